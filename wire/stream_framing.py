"""Packets on a TCP byte stream: each behind a u32 big-endian length.

A StreamBuffer is read into by the socket and gives out whole packets as views of itself, valid until the next read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .packet import STREAM_PACKET_BYTES

PREFIX = struct.Struct(">I")

BUFFER_BYTES = 4 * (STREAM_PACKET_BYTES + PREFIX.size)
"""A few whole packets per read; one read of 256 KiB costs less than four of 64."""


def length_prefix(packet: bytes) -> bytes:
    """Return what precedes a packet on a stream."""
    return PREFIX.pack(len(packet))


class StreamBuffer:
    """Collect the bytes of one connection and cut them into packets."""

    __slots__ = ("_begin", "_buffer", "_end", "_view", "broken")

    def __init__(self) -> None:
        self._buffer = bytearray(4096)
        self._view = memoryview(self._buffer)
        self._begin = 0
        self._end = 0
        self.broken = False
        """A length was over the limit: this is no stream of ours."""

    def space(self) -> memoryview:
        """Return where the next read goes; never empty."""
        if self._begin:
            rest = self._end - self._begin
            self._view[:rest] = self._view[self._begin : self._end]
            self._begin, self._end = 0, rest
        if self._end == len(self._buffer):
            self._grow()
        return self._view[self._end :]

    def received(self, size: int) -> Iterator[memoryview]:
        """Take note of bytes read into `space` and give out the packets that are whole now."""
        self._end += size
        while self._end - self._begin >= PREFIX.size and not self.broken:
            (length,) = PREFIX.unpack_from(self._buffer, self._begin)
            if not 0 < length <= STREAM_PACKET_BYTES:
                self.broken = True
                return
            start = self._begin + PREFIX.size
            if start + length > self._end:
                return
            self._begin = start + length
            yield self._view[start : start + length]

    def _grow(self) -> None:
        """Full-size buffers are made only for connections that carry that much."""
        larger = bytearray(BUFFER_BYTES)
        larger[: self._end] = self._buffer
        self._buffer, self._view = larger, memoryview(larger)
