"""The packets of mesh99: a UDP datagram each, or the same bytes behind a u32 length on TCP. Integers are big-endian.

0x80 INITIAL  kind 1 | version 1 | network tag 4 | source id 8 | pattern 1 (0 IK, 1 XX) | cookie length 1 | cookie |
              noise message                                             (a cookie has 0 or 16 bytes)
0x81 REPLY    kind 1 | destination id 8 | source id 8 | noise message
0x82 FINAL    kind 1 | destination id 8 | noise message                   (XX only)
0x83 COOKIE   kind 1 | destination id 8 | cookie 16
0x84 REJECT   kind 1 | destination id 8 | reason 1 (1 version, 2 network, 3 key)
0x85 RESET    kind 1 | destination id 8 | token 16
0xC0 DATA     kind 1 (0xC0 | epoch & 31) | destination id 8 | counter 8 | sealed frames; the header is authenticated

Ids are random 64-bit connection ids, chosen by the side that receives with them. The first byte leaves room for STUN
(0-3) and TURN channels (0x40-0x4F) on the same socket (RFC 7983).
"""

from __future__ import annotations

import struct

VERSION = 1

INITIAL = 0x80
REPLY = 0x81
FINAL = 0x82
COOKIE = 0x83
REJECT = 0x84
RESET = 0x85
DATA = 0xC0

EPOCH_MASK = 0x1F
"""Key generations are told apart by their low five bits."""

COOKIE_BYTES = 16
RESET_TOKEN_BYTES = 16

DATA_HEADER = struct.Struct(">BQQ")
"""kind, destination id, counter"""

DATAGRAM_BYTES = 1200
"""Largest UDP packet: the least MTU that QUIC relies on (RFC 9000, section 14)."""

STREAM_PACKET_BYTES = 68 * 1024
"""Largest packet on TCP: a message of 64 KiB with its envelope. An AEAD call costs least per byte from there on, and it
bounds what a stranger makes us hold."""


def counter_of(packet: bytes | memoryview) -> int:
    """Return the counter of a DATA packet."""
    return int.from_bytes(packet[9:17], "big")


def destination_id(packet: bytes | memoryview) -> int:
    """Return the connection id that every packet but INITIAL begins with."""
    return int.from_bytes(packet[1:9], "big")
