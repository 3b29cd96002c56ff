"""Any bytes as an envelope, any body for a handler, any message there and back."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh99.node.messages import (
    CallsConfig,
    Dispatcher,
    Envelope,
    Headers,
    InvalidMessage,
    Message,
    PendingCalls,
)
from mesh99.node.messages.dispatch import Done
from mesh99.node.messages.envelope import (
    ERROR,
    ONE_WAY,
    REPLY,
    REQUEST,
    decode,
    decode_any,
    decode_error,
    encode,
    encode_error,
    encode_message,
    encode_message_as_json,
    encode_untyped,
)
from mesh99.wire.errors import DecodeError, MeshError
from mesh99.wire.identity import NodeId

HERE, THERE = NodeId(b"h" * 32), NodeId(b"t" * 32)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
u64 = st.integers(0, 2**64 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
short_text = st.text(max_size=128)


class Everything(Message):
    text: str
    data: bytes
    number: int = 0
    ratio: float = 0.0
    flag: bool | None = None
    items: tuple[int | str, ...] = ()
    table: dict[str, bytes] = msgspec.field(default_factory=dict)
    day: datetime.date | None = None


messages = st.builds(
    Everything,
    text=st.text(),
    data=st.binary(),
    number=i64,
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.none() | st.booleans(),
    items=st.lists(i64 | st.text(), max_size=5).map(tuple),
    table=st.dictionaries(st.text(), st.binary(), max_size=3),
    day=st.none() | st.dates(),
)
headers = st.none() | st.builds(
    Headers,
    conversation=st.none() | short_text,
    reply_to=st.none() | short_text,
    timestamp=st.none() | st.floats(allow_nan=False),
    ttl_s=st.none() | st.floats(0, allow_nan=False),
    priority=st.integers(0, 9),
    trace=st.none() | short_text,
)
SAMPLE = Everything(text="sample", data=b"\x00\xff", items=(1, "two"), table={"a": b"b"}, flag=True)
SAMPLES = [
    encode_message(REQUEST, 2**33, SAMPLE),
    encode_message(ONE_WAY, 1, SAMPLE, Headers(conversation="c", priority=3, timestamp=1.5, trace="00-1")),
    encode_message_as_json(REQUEST, 300, SAMPLE),
    encode_untyped(REQUEST, 70_000, "echo", {"a": [1, 2.5, None]}),
    encode_error(5, "invalid", "text: is missing", "text", "it has text"),
]


def run(coroutine: Coroutine[Any, Any, Any], done: Done) -> None:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        done(stop.value, None)


async def give_back(request: Everything) -> Everything:
    return request


def receive(data: bytes) -> list[Envelope]:
    """Do with bytes from the network all that a node does with them; returns the answers."""
    try:
        envelope = decode(data)
    except DecodeError:
        return []
    answers: list[bytes] = []
    if envelope.kind in (REQUEST, ONE_WAY):
        dispatcher = Dispatcher(HERE, run)
        dispatcher.on(Everything, give_back)
        dispatcher.receive(envelope, THERE, answers.append)
        assert len(answers) == (envelope.kind == REQUEST), "a request has one answer, a one-way message none"
    else:
        told: list[tuple[Envelope | None, MeshError | None]] = []
        calls = PendingCalls(0, CallsConfig())
        calls.add(THERE, envelope.id, "Everything", 1.0, 0.0, lambda *outcome: told.append(outcome))
        calls.receive(envelope, THERE)
        assert len(told) == 1
        with_body(envelope)
    return [decode(answer) for answer in answers]


def with_body(envelope: Envelope) -> None:
    with suppress(InvalidMessage):
        Everything.decode(envelope.body)
    with suppress(DecodeError):
        decode_any(envelope.body)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@given(st.sampled_from([REQUEST, REPLY, ERROR, ONE_WAY]), u64, messages, headers)
def test_a_message_survives_the_way(
    kind: int, message_id: int, message: Everything, said: Headers | None
) -> None:
    envelope = decode(encode_message(kind, message_id, message, said))
    assert (envelope.kind, envelope.id, envelope.headers) == (kind, message_id, said)
    assert Everything.decode(envelope.body) == message


@given(messages)
def test_a_message_survives_as_json(message: Everything) -> None:
    assert Everything.decode(decode(encode_message_as_json(REPLY, 1, message)).body) == message
    assert Everything.from_json(message.to_json()) == message


@given(json_values)
def test_echo_gives_back_any_json(value: Any) -> None:
    (answer,) = receive(encode_untyped(REQUEST, 1, "echo", value))
    assert decode_any(answer.body) == value


@given(u64, st.text(), st.text(), st.none() | st.text(min_size=1), st.none() | st.text(min_size=1))
def test_an_error_arrives_with_every_character_that_can_be_shown(
    message_id: int, code: str, text: str, field: str | None, hint: str | None
) -> None:
    envelope = decode(encode_error(message_id, code[:40], text, field, hint))
    rejected = decode_error(envelope.body)
    assert rejected.text == "".join(char if char.isprintable() else " " for char in text[:1000])
    assert (rejected.field is None, rejected.hint is None) == (field is None, hint is None)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_a_decode_error(data: bytes) -> None:
    receive(data)


@given(st.sampled_from([b"Everything", b"echo", b"\xff"]), st.integers(0, 2), st.binary(max_size=200))
def test_any_body_is_handled_or_refused(type_name: bytes, version: int, body: bytes) -> None:
    receive(encode(REQUEST, 1, version, type_name, body))
    receive(encode(REPLY, 1, version, type_name, body))
    receive(encode(REQUEST, 1, version, type_name, msgpack.packb(body)))


@given(
    st.tuples(
        st.integers(0, 5) | json_values,
        u64 | json_values,
        st.sampled_from([b"Everything", b"echo"]) | st.binary() | json_values,
        st.integers(0, 2) | json_values,
        json_values | st.binary(),
        json_values,
    )
)
def test_any_array_is_an_envelope_or_a_decode_error(parts: tuple[Any, ...]) -> None:
    with suppress(OverflowError, UnicodeEncodeError):  # what MessagePack cannot hold is no input
        receive(msgpack.packb(parts))


@pytest.mark.parametrize("sample", range(len(SAMPLES)))
def test_a_cut_envelope_is_none(sample: int) -> None:
    for end in range(len(SAMPLES[sample])):
        with pytest.raises(DecodeError):
            decode(SAMPLES[sample][:end])


@pytest.mark.parametrize("sample", range(len(SAMPLES)))
def test_every_flipped_bit_is_survived(sample: int) -> None:
    data = SAMPLES[sample]
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        receive(bytes(flipped))
