"""The packets of a handshake around their Noise messages: headers, sizes, and the refusal of a first packet.

wire/packet.py draws them. A first packet is long enough for its answer, or it is dropped.
"""

from __future__ import annotations

import struct

from .codec import Reader
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


def split_initial(packet: bytes) -> tuple[int, bytes, int, int, bytes, bytes]:
    """Return version, network tag, source id, pattern, cookie and Noise message; raises DecodeError."""
    if len(packet) > PACKET_BYTES_MAX:
        raise DecodeError("initial packet", "too long", PACKET_BYTES_MAX)
    reader = Reader(packet, "initial packet")
    kind, version, tag, source_id, pattern, cookie_bytes = INITIAL_HEAD.unpack(reader.take(INITIAL_HEAD.size))
    if kind != INITIAL or cookie_bytes not in (0, COOKIE_BYTES):
        raise DecodeError("initial packet", "wrong header", INITIAL_HEAD.size)
    cookie = reader.take(cookie_bytes)
    message = reader.rest()
    if len(message) < KEY_BYTES:
        raise DecodeError("initial packet", "too short", len(packet))
    return version, tag, source_id, pattern, cookie, message


def protocol_of(pattern: int, packet_bytes: int) -> str:
    """Return the Noise protocol of a first packet that is long enough to be answered; raises DecodeError."""
    if pattern >= len(PATTERNS):
        raise DecodeError("initial packet", "unknown pattern")
    protocol = PATTERNS[pattern]
    if packet_bytes < REPLY_OVERHEAD_BYTES[protocol]:
        raise DecodeError("initial packet", "too short to be answered")
    return protocol
