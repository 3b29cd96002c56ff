"""Tell what a packet is from its first byte (RFC 7983 leaves room for all of these on one socket).

first byte      what it is
0x00 - 0x03     STUN, when the magic cookie 2112A442 follows
0x40 - 0x4F     TURN ChannelData
0x80 - 0x85     our handshake packets (wire/packet.py)
0xC0 - 0xDF     our data packets
else            noise, dropped
"""

from __future__ import annotations

from enum import Enum

STUN_MAGIC_COOKIE = bytes.fromhex("2112a442")
"""RFC 8489 section 5."""


class Traffic(Enum):
    """What a packet is."""

    STUN = "stun"
    TURN = "turn"
    HANDSHAKE = "handshake"
    DATA = "data"
    NOISE = "noise"


def classify(packet: bytes | memoryview) -> Traffic:
    """Tell what a packet is; never raises."""
    if not packet:
        return Traffic.NOISE
    first = packet[0]
    if 0xC0 <= first <= 0xDF:
        return Traffic.DATA
    if 0x80 <= first <= 0x85:
        return Traffic.HANDSHAKE
    if first <= 0x03 and packet[4:8] == STUN_MAGIC_COOKIE:
        return Traffic.STUN
    if 0x40 <= first <= 0x4F:
        return Traffic.TURN
    return Traffic.NOISE
