"""Envelopes: layout, headers, errors, bodies of both shapes, and bytes that are none."""

from __future__ import annotations

import base64
from typing import Any

import msgpack
import msgspec
import pytest

from mesh99.node.messages import Header, Headers, InvalidMessage, Message
from mesh99.node.messages.envelope import (
    ERROR,
    ERROR_CHARS_MAX,
    ONE_WAY,
    REPLY,
    REQUEST,
    decode,
    decode_any,
    decode_error,
    encode,
    encode_echo,
    encode_error,
    encode_message,
    encode_message_as_json,
    encode_none,
    encode_untyped,
)
from mesh99.node.messages.form import ANY_VERSION
from mesh99.wire.errors import ConfigError, DecodeError
from mesh99.wire.identity import NodeId

HERE, THERE = NodeId(b"h" * 32), NodeId(b"t" * 32)
ID = 2**64 - 1
ALL_HEADERS = Headers(
    conversation="c1", reply_to=THERE.text, timestamp=1.5e9, ttl_s=30.0, priority=9, trace="00-ab-cd-01"
)


class Ask(Message, type_name="ask", version=7):
    text: str
    data: bytes = b""


def unpacked(data: bytes) -> list[Any]:
    """Read with another implementation of MessagePack."""
    value: list[Any] = msgpack.unpackb(data)
    return value


def test_a_typed_message_is_an_array_of_five() -> None:
    data = encode_message(REQUEST, ID, Ask(text="hi", data=b"\x00"))
    assert unpacked(data) == [1, ID, b"ask", 7, {"text": "hi", "data": b"\x00"}]


def test_headers_make_it_six_and_only_what_is_set_travels() -> None:
    data = encode_message(ONE_WAY, 5, Ask(text="hi"), Headers(conversation="c1", priority=2))
    assert unpacked(data)[5] == {"conversation": "c1", "priority": 2}
    assert decode(data).headers == Headers(conversation="c1", priority=2)


@pytest.mark.parametrize("headers", [None, Headers(), ALL_HEADERS])
@pytest.mark.parametrize("kind", [REQUEST, REPLY, ERROR, ONE_WAY])
@pytest.mark.parametrize("message_id", [0, 127, 128, 2**32, ID])
def test_what_is_encoded_is_decoded(kind: int, message_id: int, headers: Headers | None) -> None:
    envelope = decode(encode_message(kind, message_id, Ask(text="hi"), headers))
    assert (envelope.kind, envelope.id, envelope.type_name, envelope.version) == (kind, message_id, b"ask", 7)
    assert Ask.decode(envelope.body) == Ask(text="hi")
    assert envelope.headers == headers


def test_a_header_tells_all_but_the_body() -> None:
    envelope = decode(encode_message(ONE_WAY, 5, Ask(text="hi"), ALL_HEADERS))
    header = Header.of(envelope, THERE, HERE)
    assert (header.id, header.type_name, header.version) == (5, "ask", 7)
    assert (header.sender, header.to, header.one_way) == (THERE, HERE, True)
    assert {name: getattr(header, name) for name in Headers.__struct_fields__} == msgspec.structs.asdict(
        ALL_HEADERS
    )


def test_a_header_without_headers_has_their_defaults() -> None:
    header = Header.of(decode(encode_message(REQUEST, 5, Ask(text="hi"))), THERE, HERE)
    assert (header.conversation, header.priority, header.one_way) == (None, 0, False)


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        (Headers(priority=10), "priority"),
        (Headers(conversation="x" * 129), "conversation"),
        (Headers(ttl_s=-1.0), "ttl_s"),
        (Headers(trace=b"00"), "trace"),  # type: ignore[arg-type]
    ],
)
def test_headers_are_validated_where_they_are_written(headers: Headers, field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        encode_message(REQUEST, 1, Ask(text=""), headers)
    assert (caught.value.type_name, caught.value.field) == ("Headers", field)


def test_an_invalid_message_does_not_become_bytes() -> None:
    with pytest.raises(InvalidMessage) as caught:
        encode_message(REQUEST, 1, Ask(text=None))  # type: ignore[arg-type]
    assert caught.value.field == "text"


@pytest.mark.parametrize("thing", ["text", {"text": "x"}, Ask, None])
def test_only_messages_can_be_sent(thing: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        encode_message(REQUEST, 1, thing)
    assert caught.value.field == "message"


def test_an_untyped_message_carries_json_text_for_any_version() -> None:
    data = encode_untyped(REQUEST, 3, "ask", {"text": "hi", "data": base64.b64encode(b"\xff").decode()})
    assert unpacked(data) == [1, 3, b"ask", ANY_VERSION, b'{"text":"hi","data":"/w=="}']
    assert Ask.decode(decode(data).body) == Ask(text="hi", data=b"\xff")


@pytest.mark.parametrize(
    "value", [None, True, -1, 2.5, "text", [], {"a": [1, {"b": None}]}, 2**70, "x" * 70_000]
)
def test_any_json_value_survives_untyped(value: Any) -> None:
    assert decode_any(decode(encode_untyped(REPLY, 3, "any", value)).body) == value


@pytest.mark.parametrize("value", [object(), "\ud800", {1j: 1}])
def test_what_json_cannot_hold_is_an_invalid_message(value: Any) -> None:
    with pytest.raises(InvalidMessage):
        encode_untyped(REQUEST, 3, "ask", value)


@pytest.mark.parametrize("name", ["", "two words", "tab\t", "x" * 129, "\ud800" * 129])
def test_a_type_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        encode_untyped(REQUEST, 3, name, {})
    assert caught.value.field == "type_name"


def test_a_typed_body_is_read_as_json_values_by_who_does_not_know_the_class() -> None:
    body = decode(encode_message(REPLY, 1, Ask(text="hi", data=b"\xff"))).body
    assert decode_any(body) == {"text": "hi", "data": "/w=="}


def test_a_reply_in_json_holds_the_same_message() -> None:
    envelope = decode(encode_message_as_json(REPLY, 1, Ask(text="hi", data=b"\xff")))
    assert envelope.version == 7
    assert Ask.decode(envelope.body) == Ask(text="hi", data=b"\xff")
    assert decode_any(envelope.body) == {"text": "hi", "data": "/w=="}


@pytest.mark.parametrize(
    "body",
    [
        msgpack.packb(b""),
        msgpack.packb(b"{"),
        msgpack.packb(b"[" * 100_000),
        msgpack.packb(msgpack.ExtType(5, b"abc")),
        msgpack.packb("\ud800", unicode_errors="surrogatepass"),
        b"\x81\x90\x01",
    ],
)
def test_a_body_that_makes_no_sense_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_any(body)


def test_none_and_echo() -> None:
    assert unpacked(encode_none(9)) == [2, 9, b"none", 1, None]
    request = encode_untyped(REQUEST, 9, "echo", {"a": 1})
    assert unpacked(encode_echo(decode(request))) == [2, 9, b"echo", 1, b'{"a":1}']


def test_an_error_is_a_rejection_on_the_other_side() -> None:
    data = encode_error(8, "invalid", "text: is missing", "text", "it has text")
    assert unpacked(data) == [3, 8, b"error", 1, ["invalid", "text: is missing", "text", "it has text"]]
    rejected = decode_error(decode(data).body)
    assert (rejected.code, rejected.text, rejected.field) == ("invalid", "text: is missing", "text")
    assert rejected.hint == "it has text"


def test_the_text_of_an_error_is_cut_and_cannot_steer_a_terminal() -> None:
    rejected = decode_error(decode(encode_error(8, "failed", "\x1b[31m\n\ud800" + "x" * 5000)).body)
    assert rejected.text.startswith(" [31m ?x")
    assert len(rejected.text) == ERROR_CHARS_MAX
    assert (rejected.field, rejected.hint) == (None, None)


@pytest.mark.parametrize(
    "body", [None, [], ["code"], ["code", 1], ["c" * 129, "t"], ["c", "t" * 5000], ["c", "t", 5], {}]
)
def test_an_error_that_makes_no_sense_is_a_decode_error(body: Any) -> None:
    with pytest.raises(DecodeError):
        decode_error(decode(encode(ERROR, 1, 1, b"error", msgpack.packb(body))).body)


def test_later_versions_may_add_items_headers_and_error_items() -> None:
    parts = [REQUEST, 1, b"ask", 7, {"text": "hi"}, {"later": 1, "priority": 3}, "more", [1]]
    envelope = decode(msgpack.packb(parts))
    assert envelope.headers == Headers(priority=3)
    error = decode(encode(ERROR, 1, 1, b"error", msgpack.packb(["c", "t", None, None, "more"])))
    assert decode_error(error.body).code == "c"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [1, 1, b"ask", 7],
        [0, 1, b"ask", 7, {}],
        [5, 1, b"ask", 7, {}],
        [1, -1, b"ask", 7, {}],
        [1, 1.5, b"ask", 7, {}],
        [1, 1, "ask", 7, {}],
        [1, 1, b"", 7, {}],
        [1, 1, b"x" * 129, 7, {}],
        [1, 1, b"ask", -1, {}],
        [1, 1, b"ask", 65_536, {}],
        [1, 1, b"ask", 7, {}, []],
        [1, 1, b"ask", 7, {}, {"priority": 10}],
        [1, 1, b"ask", 7, {}, {"conversation": "x" * 129}],
        {"kind": 1},
        7,
    ],
)
def test_other_values_are_no_envelopes(parts: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(msgpack.packb(parts))
    assert caught.value.reason == "malformed", (
        "the reason is a counter's name, so it holds nothing of the input"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff\x01",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc1",
        b"",
    ],
)
def test_a_body_that_lies_about_its_size_or_never_ends_is_no_envelope(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(encode(REQUEST, 1, 1, b"ask", body))


def test_nothing_may_follow() -> None:
    with pytest.raises(DecodeError):
        decode(encode_none(1) + b"\x00")
