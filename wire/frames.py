"""The frames inside a data packet, back to back. Integers are big-endian.

0x00 PADDING         kind 1                                           (any number)
0x01 PING            kind 1 | id 4
0x02 PONG            kind 1 | id 4
0x03 ACK             kind 1 | delay 2 (100 us) | ranges 1 | (first 8 | last 8) each, newest first
0x04 RPC             kind 1 | length 2 | bytes                        unreliable, one DHT request or answer
0x05 STREAM          kind 1 | lane 1 | offset 8 | length 4 | bytes    reliable, in order per lane
0x06 MAX_DATA        kind 1 | lane 1 | offset 8                       the sender may go so far on this lane
0x07 PATH_CHALLENGE  kind 1 | token 8
0x08 PATH_RESPONSE   kind 1 | token 8
0x09 CLOSE           kind 1 | length 1 | reason (UTF-8)

A lane's bytes are messages, each behind a u32 length. STREAM and MAX_DATA are acknowledged and sent again when lost; the
others are not. ACK ranges name packet counters.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from .errors import DecodeError

PADDING = 0x00
PING = 0x01
PONG = 0x02
ACK = 0x03
RPC = 0x04
STREAM = 0x05
MAX_DATA = 0x06
PATH_CHALLENGE = 0x07
PATH_RESPONSE = 0x08
CLOSE = 0x09

ID_HEAD = struct.Struct(">BI")
ACK_HEAD = struct.Struct(">BHB")
ACK_RANGE = struct.Struct(">QQ")
RPC_HEAD = struct.Struct(">BH")
STREAM_HEAD = struct.Struct(">BBQI")
MAX_DATA_HEAD = struct.Struct(">BBQ")
TOKEN_HEAD = struct.Struct(">B8s")
CLOSE_HEAD = struct.Struct(">BB")

ACK_RANGES_MAX = 16
"""Gaps named in one ACK; older ones were named before."""

ACK_DELAY_UNIT_S = 0.0001

LANES_MAX = 2
"""Lane 0 for messages, lane 1 for bulk, so that a small message never waits behind a large one."""

RPC_BYTES_MAX = 1150
"""What a datagram holds beside the headers."""


class Ack(NamedTuple):
    """Counters received: ranges of (first, last), newest first."""

    delay_s: float
    ranges: tuple[tuple[int, int], ...]


class Stream(NamedTuple):
    """Bytes of a lane."""

    lane: int
    offset: int
    data: bytes


class MaxData(NamedTuple):
    """How far the other side may send on a lane."""

    lane: int
    offset: int


class Numbered(NamedTuple):
    """A PING or PONG."""

    kind: int
    id: int


class Token(NamedTuple):
    """A PATH_CHALLENGE or PATH_RESPONSE."""

    kind: int
    token: bytes


class Rpc(NamedTuple):
    """A request or answer of the DHT."""

    data: bytes


class Close(NamedTuple):
    """The other side is done."""

    reason: str


Frame = Ack | Stream | MaxData | Numbered | Token | Rpc | Close


def encode_ack(delay_s: float, ranges: list[tuple[int, int]]) -> bytes:
    """Return an ACK frame; `ranges` ascending as kept, of which the newest are named."""
    newest = ranges[: -ACK_RANGES_MAX - 1 : -1]
    delay = min(65_535, int(delay_s / ACK_DELAY_UNIT_S))
    return ACK_HEAD.pack(ACK, delay, len(newest)) + b"".join([ACK_RANGE.pack(*item) for item in newest])


def encode_close(reason: str) -> bytes:
    """Return a CLOSE frame; a long reason is cut."""
    text = reason.encode()[:64]
    return CLOSE_HEAD.pack(CLOSE, len(text)) + text


def decode(plaintext: bytes) -> Iterator[Frame]:
    """Give out the frames of a packet; raises DecodeError at the first that is wrong."""
    offset, end = 0, len(plaintext)
    while offset < end:
        kind = plaintext[offset]
        if kind == PADDING:
            offset += 1
            continue
        reader = _READERS.get(kind)
        if reader is None:
            raise DecodeError("frame", f"unknown kind {kind}", offset)
        try:
            frame, offset = reader(plaintext, offset)
        except struct.error:
            raise DecodeError("frame", "cut short", offset) from None
        yield frame


def _read_number(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    return Numbered(*ID_HEAD.unpack_from(plaintext, offset)), offset + ID_HEAD.size


def _read_ack(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    _, delay, count = ACK_HEAD.unpack_from(plaintext, offset)
    offset += ACK_HEAD.size
    if not 1 <= count <= ACK_RANGES_MAX:
        raise DecodeError("frame", "wrong number of ranges", offset)
    ranges = []
    below = 1 << 64
    for _ in range(count):
        first, last = ACK_RANGE.unpack_from(plaintext, offset)
        if not first <= last < below:
            raise DecodeError("frame", "ranges out of order", offset)
        below = first
        ranges.append((first, last))
        offset += ACK_RANGE.size
    return Ack(delay * ACK_DELAY_UNIT_S, tuple(ranges)), offset


def _read_rpc(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    _, length = RPC_HEAD.unpack_from(plaintext, offset)
    data, offset = _bytes(plaintext, offset + RPC_HEAD.size, length)
    return Rpc(data), offset


def _read_stream(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    _, lane, position, length = STREAM_HEAD.unpack_from(plaintext, offset)
    if lane >= LANES_MAX or position + length >= 1 << 63:
        raise DecodeError("frame", "no such lane or place", offset)
    data, offset = _bytes(plaintext, offset + STREAM_HEAD.size, length)
    return Stream(lane, position, data), offset


def _read_max_data(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    _, lane, position = MAX_DATA_HEAD.unpack_from(plaintext, offset)
    if lane >= LANES_MAX:
        raise DecodeError("frame", "no such lane", offset)
    return MaxData(lane, position), offset + MAX_DATA_HEAD.size


def _read_token(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    return Token(*TOKEN_HEAD.unpack_from(plaintext, offset)), offset + TOKEN_HEAD.size


def _read_close(plaintext: bytes, offset: int) -> tuple[Frame, int]:
    _, length = CLOSE_HEAD.unpack_from(plaintext, offset)
    text, offset = _bytes(plaintext, offset + CLOSE_HEAD.size, length)
    return Close(text.decode(errors="replace")), offset


def _bytes(plaintext: bytes, start: int, length: int) -> tuple[bytes, int]:
    end = start + length
    if end > len(plaintext):
        raise DecodeError("frame", "cut short", start)
    return plaintext[start:end], end


_READERS = {
    PING: _read_number,
    PONG: _read_number,
    ACK: _read_ack,
    RPC: _read_rpc,
    STREAM: _read_stream,
    MAX_DATA: _read_max_data,
    PATH_CHALLENGE: _read_token,
    PATH_RESPONSE: _read_token,
    CLOSE: _read_close,
}
