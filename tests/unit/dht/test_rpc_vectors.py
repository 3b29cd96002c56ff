"""The DHT vectors of docs/protocol.md, encoded and decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.dht.messages import (
    REQUESTS,
    Changed,
    Digest,
    FindMany,
    FindNode,
    FindValue,
    Lacking,
    Listen,
    Listening,
    Message,
    Nodes,
    Noted,
    Outcome,
    Ping,
    Pong,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
    ValuesMany,
    encode_reply,
    encode_request,
)
from mesh99.dht.reading import decode
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record, value_key

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
BEGIN, END = "```dht-vectors\n", "```"

ONE, TWO = Identity(b"\x01" * 32), Identity(b"\x02" * 32)
FIRST = Contact(ONE.public_key, Endpoint("udp", "192.0.2.1", 7400))
SECOND = Contact(TWO.public_key, Endpoint("tcp", "2001:db8::1", 7401))
KEY = value_key("colour")
TOKEN = bytes(range(8))
RECORD = Record.create(ONE, KEY, b"blue", sequence=3, ttl_s=3600).encode()

EXPECTED: dict[str, tuple[int, Message]] = {
    "ping": (1, Ping()),
    "find_node": (2, FindNode(TWO.node_id)),
    "find_node_wanting": (2, FindNode(TWO.node_id, 11)),
    "find_node_families": (2, FindNode(TWO.node_id, 11, 3)),
    "find_value": (3, FindValue(KEY)),
    "find_value_owner": (4, FindValue(KEY, ONE.public_key, 20, 40)),
    "find_value_families": (4, FindValue(KEY, b"", 1, 0, 2)),
    "store": (5, Store(TOKEN, 60, RECORD)),
    "store_wanting": (5, Store(TOKEN, 60, RECORD, 11)),
    "store_many": (7, StoreMany(TOKEN, [(60, RECORD), (0, RECORD)])),
    "listen": (7, Listen(TOKEN, KEY, ONE.public_key)),
    "changed": (8, Changed([(61, RECORD)])),
    "find_many": (9, FindMany([KEY, TWO.node_id])),
    "pong": (1, Pong()),
    "nodes": (2, Nodes(TOKEN, [FIRST, SECOND])),
    "values": (3, Values(TOKEN, 1, [(61, RECORD)], [])),
    "values_none": (4, Values(TOKEN, 0, [], [FIRST])),
    "values_copied": (3, Values(TOKEN, 1, [(61, RECORD)], [], 1)),
    "stored": (5, Stored(Outcome.STORED, 3)),
    "old_sequence": (6, Stored(Outcome.OLD_SEQUENCE, 2**64 - 1)),
    "store_full": (6, Stored(Outcome.STORE_FULL, 0)),
    "stored_many": (7, StoredMany([(Outcome.STORED, 3), (Outcome.OLD_SEQUENCE, 9)])),
    "stored_naming": (5, Stored(Outcome.STORED, 3, TOKEN, [FIRST, SECOND])),
    "listening": (7, Listening(Outcome.STORED, 300, 1)),
    "listening_bad_token": (7, Listening(Outcome.BAD_TOKEN, 0, 0, TOKEN)),
    "noted": (8, Noted(1)),
    "digest": (9, Digest(bytes(range(16)))),
    "digest_marks": (10, Digest(marks=bytes(range(20)))),
    "lacking": (9, Lacking(b"\x01")),
    "lacking_marks": (10, Lacking(b"\x02", TOKEN)),
    "lacking_nothing": (10, Lacking()),
    "values_many": (9, ValuesMany(TOKEN, [(61, RECORD)])),
}


@pytest.fixture(scope="module")
def vectors() -> dict[str, bytes]:
    text = PROTOCOL.read_text(encoding="utf-8") if PROTOCOL.exists() else ""
    if BEGIN not in text:
        pytest.skip("docs/protocol.md has no DHT vectors")
    block = text.split(BEGIN, 1)[1].split(END, 1)[0]
    return {name: bytes.fromhex(data) for name, data in (line.split() for line in block.splitlines())}


def test_every_message_has_a_vector(vectors: dict[str, bytes]) -> None:
    assert list(vectors) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_vector(vectors: dict[str, bytes], name: str) -> None:
    request_id, message = EXPECTED[name]
    assert decode(vectors[name]) == (request_id, message)
    if isinstance(message, REQUESTS):
        assert encode_request(request_id, message) == vectors[name]
    else:
        assert encode_reply(request_id, message) == vectors[name]
