"""Endpoint: where a node can be reached: transport, ip, port.

Beside UDP and TCP there is `relay`: an endpoint that means something within one node only, a circuit through another
node. Its port numbers the circuit and its address is none, so that nothing would ever be sent to it by mistake.

A node may have more UDP sockets than its main one: `udp/7` is an endpoint as it is met through the seventh. That, too,
means something within one node only; its bytes are those of the plain endpoint.

Bytes: flags 1 (bit 0: IPv6, bit 1: TCP) | ip 4 or 16 | port 2. Text: `udp://127.0.0.1:7400`, `tcp://[::1]:7400`.
An address has one form: an IPv4 address inside IPv6 (::ffff:a.b.c.d) is written as IPv4, and refused in bytes, so that
no rule for addresses can be passed in disguise.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from .codec import Reader
from .errors import ConfigError, DecodeError
from .memo import memo

TRANSPORTS = ("udp", "tcp")
RELAY = "relay"
EXTRA = "udp/"
NO_HOST = "0.0.0.0"
HINT = "write it as HOST:PORT, [IPV6]:PORT or udp://HOST:PORT; HOST is an ip address"
BROADCAST = "255.255.255.255"

ADDRESSES_CACHED = 4096
"""Addresses remembered in either form, about 300 bytes each; parsing one costs 3 us."""

IPV4, IPV6 = 1, 2
"""Address families, as bits of a mask."""

NOWHERE, LOOPBACK, PRIVATE, PUBLIC = range(-1, 3)
"""Scopes, the wider the greater."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Endpoint(NamedTuple):
    """A transport, an ip address in its canonical text form, and a port."""

    transport: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str, transport: str = "udp") -> Endpoint:
        """Read the text form; raises ConfigError."""
        try:
            parts = urlsplit(text if "://" in text else f"{transport}://{text}")
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise ConfigError("endpoint", f"{text!r}: {error}", HINT) from None
        more = "@" in text or parts.netloc != text.rpartition("://")[2]
        if parts.scheme not in TRANSPORTS or port is None or more:
            raise ConfigError("endpoint", f"{text!r} is not one", HINT)
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host or "")
        except ValueError:
            raise ConfigError("endpoint", f"{text!r} has no ip address", HINT) from None
        return cls(parts.scheme, str(_unmapped(address)), port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"

    def pack(self) -> bytes:
        """Return the byte form: 7 bytes for IPv4, 19 for IPv6."""
        return _packed(self)

    @classmethod
    def unpack(cls, reader: Reader) -> Endpoint:
        """Read the byte form; raises DecodeError."""
        flags = reader.number(1)
        if flags > 3:
            raise DecodeError(reader.what, "unknown endpoint flags", reader.offset - 1)
        host = _host(reader.take(16 if flags & 1 else 4))
        if host is None:
            raise DecodeError(reader.what, "IPv4 address in the form of IPv6", reader.offset)
        return cls(TRANSPORTS[flags >> 1], host, reader.number(2))

    @classmethod
    def of_circuit(cls, number: int) -> Endpoint:
        """Return the endpoint that stands for a circuit of this node."""
        return cls(RELAY, NO_HOST, number)

    def through(self, socket: int) -> Endpoint:
        """Return a UDP endpoint as it is met through an extra socket of this node, or, for 0, through the main one."""
        return self._replace(transport=f"{EXTRA}{socket}" if socket else "udp")

    @property
    def socket(self) -> int:
        """Return the number of the extra socket that it is met through, 0 for none."""
        return int(self.transport[len(EXTRA) :]) if self.transport.startswith(EXTRA) else 0

    @property
    def is_datagram(self) -> bool:
        """Tell whether packets to it may get lost, and have the size of datagrams."""
        return self.transport != "tcp"

    @property
    def family(self) -> int:
        """Return IPV4 or IPV6."""
        return IPV6 if ":" in self.host else IPV4

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can mean it."""
        return _address(self.host).is_loopback

    @property
    def is_private(self) -> bool:
        """Tell whether it is meant within one site only."""
        return not _address(self.host).is_global

    @property
    def scope(self) -> int:
        """Return how far it means something: LOOPBACK, PRIVATE or PUBLIC; NOWHERE when nobody can be reached at it."""
        return _scope(self.host) if self.port else NOWHERE

    @property
    def is_usable(self) -> bool:
        """Tell whether a packet to it can reach one host: no port 0, no group, no address that means none or all."""
        return bool(self.port) and _scope(self.host) != NOWHERE


def families_of(endpoints: Iterable[Endpoint]) -> int:
    """Return the address families of endpoints as a mask."""
    families = 0
    for endpoint in endpoints:
        families |= endpoint.family
    return families


@memo(ADDRESSES_CACHED)
def _scope(host: str) -> int:
    address = _address(host)
    if address.is_multicast or address.is_unspecified or host == BROADCAST:
        return NOWHERE
    if address.is_loopback:
        return LOOPBACK
    return PUBLIC if address.is_global else PRIVATE


@memo(ADDRESSES_CACHED)
def _address(host: str) -> Address:
    return ipaddress.ip_address(host)


@memo(ADDRESSES_CACHED)
def _packed(endpoint: Endpoint) -> bytes:
    address = _address(endpoint.host)
    flags = (address.version == 6) | (endpoint.transport == "tcp") << 1
    return bytes((flags,)) + address.packed + endpoint.port.to_bytes(2, "big")


@memo(ADDRESSES_CACHED)
def _host(packed: bytes) -> str | None:
    address = ipaddress.ip_address(packed)
    return str(address) if address == _unmapped(address) else None


def _unmapped(address: Address) -> Address:
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if inner is None else inner
