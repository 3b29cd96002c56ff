"""Packets on a byte stream."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.wire.packet import STREAM_PACKET_BYTES
from mesh99.wire.stream_framing import BUFFER_BYTES, StreamBuffer, length_prefix


def feed(buffer: StreamBuffer, data: bytes | memoryview) -> list[bytes]:
    packets = []
    while data:
        space = buffer.space()
        assert len(space) > 0
        size = min(len(space), len(data))
        space[:size] = data[:size]
        data = data[size:]
        packets += [bytes(packet) for packet in buffer.received(size)]
    return packets


def stream_of(packets: list[bytes]) -> bytes:
    return b"".join(length_prefix(packet) + packet for packet in packets)


def test_packets_come_out_as_they_went_in_however_they_are_cut() -> None:
    random = Random(2)
    packets = [random.randbytes(random.choice((1, 40, 1200, 9000, STREAM_PACKET_BYTES))) for _ in range(40)]
    for largest in (3, 1500, 70_000, 1_000_000):
        expected = packets if largest > 3 else [packet for packet in packets if len(packet) < 2000]
        whole = memoryview(stream_of(expected))
        buffer, received = StreamBuffer(), []
        while whole:
            size = random.randint(1, largest)
            received += feed(buffer, whole[:size])
            whole = whole[size:]
        assert received == expected
        assert not buffer.broken


@pytest.mark.parametrize("length", [0, STREAM_PACKET_BYTES + 1, 0x16030100, 0xFFFFFFFF])
def test_a_senseless_length_breaks_the_stream_for_good(length: int) -> None:
    buffer = StreamBuffer()
    assert feed(buffer, stream_of([b"good"])) == [b"good"]
    assert feed(buffer, length.to_bytes(4, "big") + b"x") == []
    assert buffer.broken
    assert feed(buffer, stream_of([b"more"])) == []


def test_a_connection_at_rest_is_small_and_a_busy_one_bounded() -> None:
    buffer = StreamBuffer()
    assert len(buffer.space()) <= 4096
    feed(buffer, stream_of([bytes(STREAM_PACKET_BYTES)] * 20))
    assert len(buffer.space()) <= BUFFER_BYTES


def test_a_stranger_who_sends_a_length_and_no_more_costs_little() -> None:
    buffer = StreamBuffer()
    feed(buffer, STREAM_PACKET_BYTES.to_bytes(4, "big"))
    assert len(buffer.space()) <= 4096
