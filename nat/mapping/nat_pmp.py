"""NAT-PMP, the NAT Port Mapping Protocol (RFC 6886), which older routers speak on the port of PCP.

    address request    version 0 1 | opcode 0 1
    address response   version 0 1 | opcode 128 1 | result 2 | epoch in seconds 4 | external address 4
    mapping request    version 0 1 | opcode 1 | reserved 2 | internal port 2 | external port 2 | life in seconds 4
    mapping response   version 0 1 | 128 + opcode 1 | result 2 | epoch 4 | internal port 2 | external port 2 | life 4

Opcode 1 maps UDP, 2 maps TCP. Nothing in a response proves that it answers a request of ours but where it comes from.
"""

from __future__ import annotations

import ipaddress

from ...wire.codec import Reader
from ...wire.errors import DecodeError
from .answer import LIFE_S_MAX, Answer

VERSION = 0
ADDRESS = 0
OPCODES = {"udp": 1, "tcp": 2}
RESPONSE = 128

UNSUPPORTED_VERSION = 1
RESULTS = (
    "done",
    "another version is spoken",
    "not authorized",
    "network failure",
    "no resources",
    "no such opcode",
)
"""Result codes by number (section 3.5)."""

_WHAT = "nat-pmp"


class NatPmp:
    """Write and read NAT-PMP for one port of this node."""

    name = "nat-pmp"
    version = VERSION

    def __init__(self, port: int) -> None:
        self._port = port

    def address_request(self) -> bytes:
        """Return the question for the router's outer address."""
        return bytes((VERSION, ADDRESS))

    def request(self, transport: str, life_s: int, external_port: int) -> bytes:
        """Return a request for a mapping, its renewal, or with a life of 0 its end."""
        ports = self._port.to_bytes(2, "big") + external_port.to_bytes(2, "big")
        return bytes((VERSION, OPCODES[transport], 0, 0)) + ports + life_s.to_bytes(4, "big")

    def read(self, packet: bytes) -> Answer:
        """Read an answer to one of these requests; raises DecodeError."""
        reader = Reader(packet, _WHAT)
        version, opcode, result, epoch_s = (
            reader.number(1),
            reader.number(1),
            reader.number(2),
            reader.number(4),
        )
        if version != VERSION:
            raise DecodeError(_WHAT, "another version")
        if result == UNSUPPORTED_VERSION:
            return Answer("", reason_of(result), epoch_s, unsupported=True)
        if opcode == RESPONSE + ADDRESS:
            return self._address(reader, result, epoch_s)
        return self._mapping(reader, opcode, result, epoch_s)

    def _address(self, reader: Reader, result: int, epoch_s: int) -> Answer:
        if result:
            return Answer("", reason_of(result), epoch_s)
        host = str(ipaddress.IPv4Address(reader.take(4)))
        reader.end()
        return Answer("", "", epoch_s, external_host=host)

    def _mapping(self, reader: Reader, opcode: int, result: int, epoch_s: int) -> Answer:
        asked = {RESPONSE + OPCODES[transport]: transport for transport in OPCODES}
        transport = asked.get(opcode)
        internal, external, life_s = reader.number(2), reader.number(2), reader.number(4)
        reader.end()
        if transport is None or internal != self._port:
            raise DecodeError(_WHAT, "answer to nothing that was asked")
        if result:
            return Answer(transport, reason_of(result), epoch_s)
        return Answer(transport, "", epoch_s, min(life_s, LIFE_S_MAX), external_port=external)


def reason_of(result: int) -> str:
    """Return what a result code says."""
    return RESULTS[result] if result < len(RESULTS) else f"result {result}"
