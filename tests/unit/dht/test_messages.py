import msgpack
import pytest

from mesh99.dht.messages import (
    FindMany,
    FindNode,
    FindValue,
    Nodes,
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
    encode_within,
)
from mesh99.dht.reading import decode
from mesh99.wire.errors import DecodeError

TOKEN = b"12345678"
KEY = b"k" * 32

REQUESTS = [
    Ping(),
    FindNode(KEY),
    FindValue(KEY),
    FindValue(KEY, b"o" * 32, 7, 2**32 - 1),
    Store(TOKEN, 2**32 - 1, b"record"),
    StoreMany(TOKEN, [(0, b"r"), (2**32 - 1, b"s")]),
    FindMany([KEY, b"l" * 32]),
]


@pytest.mark.parametrize("message", REQUESTS)
def test_requests_survive_the_wire(message) -> None:
    assert decode(encode_request(2**32 - 1, message)) == (2**32 - 1, message)


def test_replies_survive_the_wire(make_contact) -> None:
    contacts = [make_contact(1), make_contact(2, "2001:db8::1")]
    for contact in contacts:
        contact.node_id = contact.public_key.node_id
    for message in (
        Pong(),
        Nodes(TOKEN, contacts),
        Values(TOKEN, 3, [(0, b"r"), (9, b"s")], contacts),
        Values(TOKEN, 1, [(9, b"s")], [], 1),
        ValuesMany(TOKEN, [(9, b"s")]),
        Stored(Outcome.OLD_SEQUENCE, 2**64 - 1),
        StoredMany([(Outcome.STORED, 1), (Outcome.NO_ROOM, 0)]),
        StoredMany([(Outcome.BAD_TOKEN, 0)], TOKEN),
    ):
        request_id, decoded = decode(encode_reply(5, message))
        assert request_id == 5
        assert type(decoded) is type(message)
        assert [list(f) if isinstance(f, list) else f for f in decoded] == [
            list(f) if isinstance(f, list) else f for f in message
        ]


def test_later_versions_may_append_fields() -> None:
    fields = msgpack.unpackb(encode_request(1, FindNode(KEY, 0, 3)))
    assert decode(msgpack.packb([*fields, "new", [1]])) == (1, FindNode(KEY, 0, 3))


def test_reasons_of_newer_peers_are_refusals() -> None:
    assert decode(msgpack.packb([20, 1, 99, 7])) == (1, Stored(Outcome.UNKNOWN, 7))
    assert decode(msgpack.packb([20, 1, 2**64 - 1, 7])) == (1, Stored(Outcome.UNKNOWN, 7))
    assert decode(msgpack.packb([21, 1, [[99, 7], [0, 8]], b""])) == (
        1,
        StoredMany([(Outcome.UNKNOWN, 7), (Outcome.STORED, 8)]),
    )


BAD = [
    b"",
    b"\xc1",
    msgpack.packb(1),
    msgpack.packb([]),
    msgpack.packb([1]),
    msgpack.packb({1: 2}),
    msgpack.packb([True, 1]),
    msgpack.packb([99, 1]),
    msgpack.packb([1, -1]),
    msgpack.packb([1, 2**32]),
    msgpack.packb([1, "1"]),
    msgpack.packb([2, 1]),
    msgpack.packb([2, 1, b"short"]),
    msgpack.packb([2, 1, "k" * 32]),
    msgpack.packb([3, 1, KEY, b"half" * 4, 1, 0]),
    msgpack.packb([3, 1, KEY, b"", 0, 0]),
    msgpack.packb([3, 1, KEY, b"", 1, -1]),
    msgpack.packb([4, 1, TOKEN, 0, "r"]),
    msgpack.packb([4, 1, b"more than 8", 0, b"r"]),
    msgpack.packb([6, 1, b"7 bytes", KEY, b""]),
    msgpack.packb([7, 1, [[0, bytes(1025)]]]),
    msgpack.packb([18, 1, TOKEN, [b"no contact"]]),
    msgpack.packb([18, 1, TOKEN, [bytes(40)]]),
    msgpack.packb([18, 1, TOKEN, [bytes(39)] * 33]),
    msgpack.packb([18, 1, TOKEN, b""]),
    msgpack.packb([19, 1, TOKEN, 1, [[0]], []]),
    msgpack.packb([19, 1, TOKEN, 1, [[0, b"r", 1]], []]),
    msgpack.packb([19, 1, TOKEN, 1, [b"r"], []]),
    msgpack.packb([20, 1, -1, 0]),
    msgpack.packb([20, 1, "5", 0]),
    msgpack.packb([20, 1, 0, 2**64 - 1])[:-1],
]


@pytest.mark.parametrize("data", BAD)
def test_anything_else_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data)


def test_twenty_ipv6_contacts_fit_one_frame(make_contact) -> None:
    contacts = [make_contact(number, f"2001:db8::{number + 1:x}") for number in range(20)]
    assert len(encode_reply(2**32 - 1, Nodes(TOKEN, contacts))) <= 1150


def test_replies_shrink_to_their_room(make_contact) -> None:
    contacts = [make_contact(number) for number in range(20)]
    whole = Values(TOKEN, 3, [(0, bytes(200)), (0, bytes(200))], contacts)
    for room in (1150, 700, 450, 300, 100, 20):
        data = encode_within(1, whole, room)
        assert data is not None
        assert len(data) <= room
        _, shrunk = decode(data)
        assert isinstance(shrunk, Values)
        assert shrunk.total == 3
        if room == 700:
            assert len(shrunk.records) == 2, "contacts go first"
            assert 0 < len(shrunk.contacts) < 20
        if room == 300:
            assert len(shrunk.records) == 1
    assert encode_within(1, whole, 10) is None
    assert encode_within(1, Pong(), 1) is None
