"""The frames inside a data packet, back to back. Integers are big-endian.

0x00 PADDING         the rest of the packet means nothing
0x01 PING            kind 1 | token 8
0x02 PONG            kind 1 | token 8                                 of the PING that it answers
0x03 ACK             kind 1 | delay 2 (100 us) | ranges 1 | (first 8 | last 8) each, newest first
0x04 RPC             kind 1 | length 2 | bytes                        unreliable, one DHT request or answer
0x05 STREAM          kind 1 | lane 1 | offset 8 | length 4 | bytes    reliable, in order per lane
0x06 MAX_DATA        kind 1 | lane 1 | offset 8                       the sender may go so far on this lane
0x07 PATH_CHALLENGE  kind 1 | token 8
0x08 PATH_RESPONSE   kind 1 | token 8                                 of the PATH_CHALLENGE that it answers
0x09 CLOSE           kind 1 | length 1 | reason (printable ASCII)
0x0A RELAYED         kind 1 | circuit 4 | length 2 | packet           unreliable, a packet of another session
0x0B NAT             kind 1 | length 2 | bytes                        unreliable, a word about ways (nat/)

A lane's bytes are messages, each behind a u32 length; LANE_CREDIT_BYTES of them may be sent before the first MAX_DATA.
STREAM and MAX_DATA are acknowledged and sent again when lost; the others are not. ACK ranges name packet counters; the
delay is how long the newest packet of those waited for its ACK.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from .cipher import SEAL_BYTES
from .errors import DecodeError
from .packet import DATAGRAM_BYTES

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
RELAYED = 0x0A
NAT = 0x0B

ACK_HEAD = struct.Struct(">BHB")
ACK_RANGE = struct.Struct(">QQ")
RPC_HEAD = struct.Struct(">BH")
STREAM_HEAD = struct.Struct(">BBQI")
MAX_DATA_FRAME = struct.Struct(">BBQ")
TOKEN_FRAME = struct.Struct(">B8s")
CLOSE_HEAD = struct.Struct(">BB")
RELAYED_HEAD = struct.Struct(">BIH")

UNASKED = bytes(8)
"""Token of a PONG that answers no ping; whoever gets it takes no notice."""

PROOF = TOKEN_FRAME.pack(PONG, UNASKED)
"""What a side sends that has nothing to say but that it holds the keys."""

FRAMES_MAX = 512
"""Frames in one packet. Only tiny frames could be more, and reading each costs far more than its bytes."""

ACK_RANGES_MAX = 16
"""Gaps named in one ACK; older ones were named before."""

ACK_DELAY_UNIT_S = 0.0001

LANES_MAX = 2
"""Lane 0 for messages, lane 1 for bulk, so that a small message never waits behind a large one."""

LANE_CREDIT_BYTES = 1024 * 1024
"""Bytes of a lane that may be sent before the receiver said more; part of the protocol."""

STREAM_BYTES_MAX = (1 << 63) - (1 << 32)
"""What a lane carries in its life; offsets and lengths then always fit their fields."""

RPC_BYTES_MAX = 1150
"""What a datagram holds beside the headers."""

REASON_BYTES_MAX = 64

RELAYED_PACKET_BYTES_MAX = DATAGRAM_BYTES - SEAL_BYTES - RELAYED_HEAD.size
"""Largest packet that fits a frame that fits a datagram: 1160 bytes."""


class Ack(NamedTuple):
    """Counters received: ranges of (first, last), newest first."""

    delay_s: float
    ranges: list[tuple[int, int]]


class Stream(NamedTuple):
    """Bytes of a lane."""

    lane: int
    offset: int
    data: bytes


class MaxData(NamedTuple):
    """How far the other side may send on a lane."""

    lane: int
    offset: int


class Token(NamedTuple):
    """A PING, PONG, PATH_CHALLENGE or PATH_RESPONSE."""

    kind: int
    token: bytes


class Rpc(NamedTuple):
    """A request or answer of the DHT."""

    data: bytes


class Nat(NamedTuple):
    """A message of nat/ about ways between nodes."""

    data: bytes


class Relayed(NamedTuple):
    """A packet of another session, on its way through a relay."""

    circuit: int
    packet: bytes


class Close(NamedTuple):
    """The other side is done."""

    reason: str


Frame = Ack | Stream | MaxData | Token | Rpc | Close | Relayed | Nat


def encode_ack(delay_s: float, ranges: list[tuple[int, int]]) -> bytes:
    """Return an ACK frame; `ranges` ascending as kept, of which the newest are named."""
    delay = min(65_535, int(delay_s / ACK_DELAY_UNIT_S))
    if len(ranges) == 1:
        return ACK_HEAD.pack(ACK, delay, 1) + ACK_RANGE.pack(*ranges[0])
    newest = ranges[: -ACK_RANGES_MAX - 1 : -1]
    return ACK_HEAD.pack(ACK, delay, len(newest)) + b"".join([ACK_RANGE.pack(*item) for item in newest])


def encode_rpc(payload: bytes, kind: int = RPC) -> bytes:
    """Return the frame of a request or answer of the DHT, or of a word about ways (NAT), which is like one."""
    return RPC_HEAD.pack(kind, len(payload)) + payload


def encode_relayed(circuit: int, packet: bytes) -> bytes:
    """Return the frame that carries a packet of another session."""
    return RELAYED_HEAD.pack(RELAYED, circuit, len(packet)) + packet


def encode_close(reason: str) -> bytes:
    """Return a CLOSE frame; a long reason is cut."""
    text = bytes(byte for byte in reason.encode("ascii", "replace") if 32 <= byte < 127)[:REASON_BYTES_MAX]
    return CLOSE_HEAD.pack(CLOSE, len(text)) + text


def decode(plaintext: bytes) -> list[Frame]:
    """Return the frames of a packet; raises DecodeError when one of them is wrong."""
    only = _only(plaintext) if plaintext else None
    if only is not None:
        return [only]
    frames: list[Frame] = []
    offset, end = 0, len(plaintext)
    try:
        while offset < end:
            reader = _READERS.get(plaintext[offset], _read_unknown)
            frame, offset = reader(plaintext, offset)
            if frame is None:
                break
            frames.append(frame)
            if len(frames) > FRAMES_MAX:
                raise DecodeError("frame", "too many in one packet", offset)
    except struct.error:
        raise DecodeError("frame", "cut short", offset) from None
    return frames


def _only(plaintext: bytes) -> Stream | Rpc | Relayed | None:
    """Return the frame of a packet that holds one STREAM, RPC or RELAYED frame and nothing else; None for others."""
    kind, size = plaintext[0], len(plaintext)
    if kind == RPC and RPC_HEAD.size <= size <= RPC_HEAD.size + RPC_BYTES_MAX:
        _, length = RPC_HEAD.unpack_from(plaintext)
        if length == size - RPC_HEAD.size:
            return Rpc(plaintext[RPC_HEAD.size :])
    elif kind == STREAM and size > STREAM_HEAD.size:
        _, lane, offset, length = STREAM_HEAD.unpack_from(plaintext)
        if length == size - STREAM_HEAD.size and lane < LANES_MAX and offset < STREAM_BYTES_MAX:
            return Stream(lane, offset, plaintext[STREAM_HEAD.size :])
    elif kind == RELAYED and RELAYED_HEAD.size < size <= RELAYED_HEAD.size + RELAYED_PACKET_BYTES_MAX:
        _, circuit, length = RELAYED_HEAD.unpack_from(plaintext)
        if length == size - RELAYED_HEAD.size:
            return Relayed(circuit, plaintext[RELAYED_HEAD.size :])
    return None


_Read = tuple[Frame | None, int]


def _read_padding(plaintext: bytes, offset: int) -> _Read:
    return None, offset


def _read_unknown(plaintext: bytes, offset: int) -> _Read:
    raise DecodeError("frame", f"unknown kind {plaintext[offset]}", offset)


def _read_token(plaintext: bytes, offset: int) -> _Read:
    return Token(*TOKEN_FRAME.unpack_from(plaintext, offset)), offset + TOKEN_FRAME.size


def _read_ack(plaintext: bytes, offset: int) -> _Read:
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
    return Ack(delay * ACK_DELAY_UNIT_S, ranges), offset


def _read_rpc(plaintext: bytes, offset: int) -> _Read:
    _, length = RPC_HEAD.unpack_from(plaintext, offset)
    if length > RPC_BYTES_MAX:
        raise DecodeError("frame", "rpc over the limit", offset)
    data, offset = _bytes(plaintext, offset + RPC_HEAD.size, length)
    return Rpc(data), offset


def _read_nat(plaintext: bytes, offset: int) -> _Read:
    rpc, offset = _read_rpc(plaintext, offset)
    assert isinstance(rpc, Rpc)
    return Nat(rpc.data), offset


def _read_relayed(plaintext: bytes, offset: int) -> _Read:
    _, circuit, length = RELAYED_HEAD.unpack_from(plaintext, offset)
    if length > RELAYED_PACKET_BYTES_MAX:
        raise DecodeError("frame", "relayed packet over the limit", offset)
    packet, offset = _bytes(plaintext, offset + RELAYED_HEAD.size, length)
    return Relayed(circuit, packet), offset


def _read_stream(plaintext: bytes, offset: int) -> _Read:
    _, lane, position, length = STREAM_HEAD.unpack_from(plaintext, offset)
    if lane >= LANES_MAX or not length or position >= STREAM_BYTES_MAX:
        raise DecodeError("frame", "no such lane or place", offset)
    data, offset = _bytes(plaintext, offset + STREAM_HEAD.size, length)
    return Stream(lane, position, data), offset


def _read_max_data(plaintext: bytes, offset: int) -> _Read:
    _, lane, position = MAX_DATA_FRAME.unpack_from(plaintext, offset)
    if lane >= LANES_MAX:
        raise DecodeError("frame", "no such lane", offset)
    return MaxData(lane, position), offset + MAX_DATA_FRAME.size


def _read_close(plaintext: bytes, offset: int) -> _Read:
    _, length = CLOSE_HEAD.unpack_from(plaintext, offset)
    text, offset = _bytes(plaintext, offset + CLOSE_HEAD.size, length)
    if length > REASON_BYTES_MAX or not all(32 <= byte < 127 for byte in text):
        raise DecodeError("frame", "reason is no short text", offset)
    return Close(text.decode("ascii")), offset


def _bytes(plaintext: bytes, start: int, length: int) -> tuple[bytes, int]:
    end = start + length
    if end > len(plaintext):
        raise DecodeError("frame", "cut short", start)
    return plaintext[start:end], end


_READERS = {
    PADDING: _read_padding,
    PING: _read_token,
    PONG: _read_token,
    ACK: _read_ack,
    RPC: _read_rpc,
    STREAM: _read_stream,
    MAX_DATA: _read_max_data,
    PATH_CHALLENGE: _read_token,
    PATH_RESPONSE: _read_token,
    CLOSE: _read_close,
    RELAYED: _read_relayed,
    NAT: _read_nat,
}
