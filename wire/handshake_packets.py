"""The packets of a handshake around their Noise messages: headers, sizes, and the refusal of a first packet.

wire/packet.py draws them. A first packet is long enough for its answer, or it is dropped.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from .errors import DecodeError
from .handshake_payload import PAYLOAD_BYTES_MAX
from .noise import KEY_BYTES, TAG_BYTES
from .packet import COOKIE_BYTES, INITIAL, REJECT

IK = "Noise_IK_25519_ChaChaPoly_SHA256"
XX = "Noise_XX_25519_ChaChaPoly_SHA256"
PATTERNS = (IK, XX)
"""By the pattern byte of a first packet."""

REASONS = {1: "version", 2: "network", 3: "key"}
REASON_CODES = {reason: code for code, reason in REASONS.items()}

INITIAL_HEAD = struct.Struct(">BB4sQBB")
REPLY_HEAD = struct.Struct(">BQQ")
ID_HEAD = struct.Struct(">BQ")

PACKET_BYTES_MAX = 1280
"""IPv6's least MTU: no handshake packet needs more, on TCP neither."""

SEALED_KEY_BYTES = KEY_BYTES + TAG_BYTES
REPLY_OVERHEAD_BYTES = {
    IK: REPLY_HEAD.size + KEY_BYTES + PAYLOAD_BYTES_MAX + TAG_BYTES,
    XX: REPLY_HEAD.size + KEY_BYTES + SEALED_KEY_BYTES + PAYLOAD_BYTES_MAX + TAG_BYTES,
}
"""Length of a reply without early bytes; a first packet that is shorter cannot be answered."""


class Rejected(DecodeError):
    """A first packet that deserves a hint: `packet`, shorter than it, goes back to its sender."""

    def __init__(self, reason: str, source_id: int) -> None:
        super().__init__("initial packet", reason)
        self.packet = ID_HEAD.pack(REJECT, source_id) + bytes((REASON_CODES[reason],))


class Initial(NamedTuple):
    """The parts of a first packet."""

    version: int
    tag: bytes
    source_id: int
    pattern: int
    cookie: bytes
    message: bytes


def split_initial(packet: bytes) -> Initial:
    """Return the parts of a first packet; raises DecodeError."""
    if len(packet) > PACKET_BYTES_MAX:
        raise DecodeError("initial packet", "too long", PACKET_BYTES_MAX)
    if len(packet) < INITIAL_HEAD.size + KEY_BYTES:
        raise DecodeError("initial packet", "too short", len(packet))
    kind, version, tag, source_id, pattern, cookie_bytes = INITIAL_HEAD.unpack_from(packet)
    if kind != INITIAL or cookie_bytes not in (0, COOKIE_BYTES):
        raise DecodeError("initial packet", "wrong header", INITIAL_HEAD.size)
    start = INITIAL_HEAD.size + cookie_bytes
    if len(packet) < start + KEY_BYTES:
        raise DecodeError("initial packet", "too short", len(packet))
    return Initial(version, tag, source_id, pattern, packet[INITIAL_HEAD.size : start], packet[start:])


def protocol_of(pattern: int, packet_bytes: int) -> str:
    """Return the Noise protocol of a first packet that is long enough to be answered; raises DecodeError."""
    if pattern >= len(PATTERNS):
        raise DecodeError("initial packet", "unknown pattern")
    protocol = PATTERNS[pattern]
    if packet_bytes < REPLY_OVERHEAD_BYTES[protocol]:
        raise DecodeError("initial packet", "too short to be answered")
    return protocol
