"""PCP, the Port Control Protocol (RFC 6887): MAP requests and what is answered to them.

    request    version 2 | opcode 1 | reserved 2 | life in seconds 4 | own address 16
    response   version 2 | 128 + opcode 1 | reserved 1 | result 1 | life in seconds 4 | epoch 4 | reserved 12
    MAP        nonce 12 | protocol 1 | reserved 3 | internal port 2 | external port 2 | external address 16

MAP follows either header; options may follow it and are ignored. An IPv4 address is written as IPv6 (::ffff:a.b.c.d).
"""

from __future__ import annotations

import ipaddress
from hashlib import blake2b

from ...wire.codec import Reader
from ...wire.errors import DecodeError
from .answer import LIFE_S_MAX, TRANSPORTS, Answer

VERSION = 2
MAP = 1
RESPONSE = 128
NONCE_BYTES = 12
SIZE_MAX = 1100
"""Longest packet (section 7)."""

PROTOCOLS = {"udp": 17, "tcp": 6}
"""IANA protocol numbers."""

UNSUPPORTED_VERSION = 1
RESULTS = (
    "done",
    "another version is spoken",
    "not authorized",
    "request not understood",
    "no such opcode",
    "no such option",
    "option not understood",
    "network failure",
    "no resources",
    "no such protocol",
    "quota exceeded",
    "cannot provide that external address",
    "there is another box between here and the router",
    "too many remote peers",
)
"""Result codes by number (section 7.4)."""

_WHAT = "pcp"


class Pcp:
    """Write and read PCP for one port of this node."""

    name = "pcp"
    version = VERSION

    def __init__(self, own_host: str, port: int, secret: bytes) -> None:
        self._own = address_bytes(own_host)
        self._any = address_bytes("::" if ":" in own_host else "0.0.0.0")
        self._port = port
        # The nonce proves to the router who may change a mapping, so that it stays the same for its life; a node that
        # was killed and comes back is still its owner.
        self._nonces = {
            transport: nonce_of(f"{own_host} {port} {transport}", secret) for transport in TRANSPORTS
        }

    def request(self, transport: str, life_s: int, external_port: int) -> bytes:
        """Return a request for a mapping, its renewal, or with a life of 0 its end."""
        header = bytes((VERSION, MAP, 0, 0)) + life_s.to_bytes(4, "big") + self._own
        ports = self._port.to_bytes(2, "big") + external_port.to_bytes(2, "big")
        protocol = bytes((PROTOCOLS[transport], 0, 0, 0))
        return header + self._nonces[transport] + protocol + ports + self._any

    def read(self, packet: bytes) -> Answer:
        """Read an answer to one of these requests; raises DecodeError."""
        reader = Reader(packet, _WHAT)
        version, opcode, _, result = reader.take(4)
        life_s, epoch_s = reader.number(4), reader.number(4)
        if version != VERSION or not opcode & RESPONSE:
            raise DecodeError(_WHAT, "no answer")
        if len(packet) > SIZE_MAX or len(packet) % 4:
            raise DecodeError(_WHAT, "no length of a packet")
        if result == UNSUPPORTED_VERSION:
            return Answer("", reason_of(result), epoch_s, unsupported=True)
        if opcode != RESPONSE + MAP:
            raise DecodeError(_WHAT, "no answer to MAP")
        reader.take(12)
        return self._mapping(reader, result, min(life_s, LIFE_S_MAX), epoch_s)

    def _mapping(self, reader: Reader, result: int, life_s: int, epoch_s: int) -> Answer:
        nonce, protocol, _ = reader.take(NONCE_BYTES), reader.number(1), reader.take(3)
        internal, external = reader.number(2), reader.number(2)
        host = address_text(reader.take(16))
        asked = {PROTOCOLS[transport]: transport for transport in TRANSPORTS}
        transport = asked.get(protocol)
        if transport is None or internal != self._port or nonce != self._nonces[transport]:
            raise DecodeError(_WHAT, "answer to nothing that was asked")
        if result:
            return Answer(transport, reason_of(result), epoch_s)
        return Answer(transport, "", epoch_s, life_s, host, external)


def nonce_of(label: str, secret: bytes) -> bytes:
    """Return the nonce of one mapping, which only the owner of the secret can tell."""
    return blake2b(label.encode(), key=secret, digest_size=NONCE_BYTES).digest()


def reason_of(result: int) -> str:
    """Return what a result code says."""
    return RESULTS[result] if result < len(RESULTS) else f"result {result}"


def address_bytes(host: str) -> bytes:
    """Return an address in 16 bytes."""
    address = ipaddress.ip_address(host)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


def address_text(packed: bytes) -> str:
    """Return the text of an address of 16 bytes."""
    address = ipaddress.IPv6Address(packed)
    return str(address.ipv4_mapped or address)
