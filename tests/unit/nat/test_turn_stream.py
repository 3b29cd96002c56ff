"""Cutting a TCP stream into messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh99.nat.stun.message import MESSAGE_BYTES_MAX, MessageClass, Method, StunMessage, encode
from mesh99.nat.turn.stream import StreamSplitter, padded

BINDING = encode(StunMessage(Method.BINDING, MessageClass.REQUEST, bytes(12)))


def channel_data(payload: bytes) -> bytes:
    return b"\x40\x00" + len(payload).to_bytes(2, "big") + payload


messages = st.lists(st.binary(max_size=40).map(channel_data) | st.just(BINDING), max_size=8)


@given(messages, st.lists(st.integers(0, 60), max_size=20))
def test_any_cut_gives_the_same_messages(sent: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(padded(message) for message in sent)
    splitter, received = StreamSplitter(), []
    for size in sizes:
        received += splitter.receive(stream[:size])
        stream = stream[size:]
    assert received + splitter.receive(stream) == sent
    assert not splitter.broken


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_any_bytes_hold_no_more_than_a_message(pieces: list[bytes]) -> None:
    splitter = StreamSplitter()
    for piece in pieces:
        splitter.receive(piece)
        assert len(splitter._pending) < MESSAGE_BYTES_MAX + 4


@pytest.mark.parametrize(
    "head", [b"\x80\x00\x00\x00", b"\x40\x00\xff\xff", b"\x00\x01\x08\x00", b"GET / HTTP/1.1"]
)
def test_what_is_no_message_breaks_the_stream(head: bytes) -> None:
    splitter = StreamSplitter()
    assert splitter.receive(BINDING + head) == [BINDING]
    assert splitter.broken
    assert splitter.receive(BINDING) == []
