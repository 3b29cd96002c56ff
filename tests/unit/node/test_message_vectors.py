"""The message vectors of docs/protocol.md, encoded and decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.node.messages import Headers, Message
from mesh99.node.messages.envelope import (
    ONE_WAY,
    REPLY,
    REQUEST,
    decode,
    decode_any,
    decode_error,
    encode_echo,
    encode_error,
    encode_message,
    encode_message_as_json,
    encode_none,
    encode_untyped,
)

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
BEGIN, END = "```message-vectors\n", "```"


class Summarize(Message):
    text: str
    words: int = 50


class Summary(Message, type_name="summary", version=2):
    text: str
    digest: bytes


REQUESTED = Summarize(text="a b c", words=2)
REPLIED = Summary(text="a b", digest=b"\x00\xff")
HEADERS = Headers(
    conversation="c1",
    reply_to="a" * 52,
    timestamp=1.5e9,
    ttl_s=30.0,
    priority=9,
    trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)

EXPECTED: dict[str, bytes] = {
    "request": encode_message(REQUEST, 1, REQUESTED),
    "request_last_id": encode_message(REQUEST, 2**64 - 1, REQUESTED),
    "request_in_json": encode_untyped(REQUEST, 2, "Summarize", {"text": "a b c", "words": 2}),
    "one_way_with_headers": encode_message(ONE_WAY, 3, REQUESTED, HEADERS),
    "reply": encode_message(REPLY, 1, REPLIED),
    "reply_in_json": encode_message_as_json(REPLY, 2, REPLIED),
    "reply_none": encode_none(1),
    "echo": encode_untyped(REQUEST, 4, "echo", [1, None, "x"]),
    "echo_reply": encode_echo(decode(encode_untyped(REQUEST, 4, "echo", [1, None, "x"]))),
    "error": encode_error(1, "busy", "try later"),
    "error_with_field": encode_error(
        1, "invalid", "Summarize.text: is missing", "text", "Summarize has text"
    ),
}


@pytest.fixture(scope="module")
def vectors() -> dict[str, bytes]:
    text = PROTOCOL.read_text(encoding="utf-8") if PROTOCOL.exists() else ""
    if BEGIN not in text:
        pytest.skip("docs/protocol.md has no message vectors")
    block = text.split(BEGIN, 1)[1].split(END, 1)[0]
    return {name: bytes.fromhex(data) for name, data in (line.split() for line in block.splitlines())}


def test_every_message_has_a_vector(vectors: dict[str, bytes]) -> None:
    assert list(vectors) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_encoded_is_the_vector(vectors: dict[str, bytes], name: str) -> None:
    assert EXPECTED[name] == vectors[name]


def test_the_vectors_are_read_as_what_they_say(vectors: dict[str, bytes]) -> None:
    read = {name: decode(data) for name, data in vectors.items()}
    for name in ("request", "request_last_id", "request_in_json", "one_way_with_headers"):
        assert Summarize.decode(read[name].body) == REQUESTED
    assert (read["request_last_id"].id, read["request_in_json"].version) == (2**64 - 1, 0)
    assert read["one_way_with_headers"].headers == HEADERS
    for name in ("reply", "reply_in_json"):
        assert Summary.decode(read[name].body) == REPLIED
        assert read[name].version == 2
    assert decode_any(read["echo_reply"].body) == [1, None, "x"]
    assert decode_any(read["reply_none"].body) is None
    rejected = decode_error(read["error_with_field"].body)
    assert (rejected.code, rejected.field, rejected.hint) == ("invalid", "text", "Summarize has text")
    assert decode_error(read["error"].body).field is None
