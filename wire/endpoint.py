"""Endpoint: where a node can be reached: transport, ip, port.

Bytes: flags 1 (bit 0: IPv6, bit 1: TCP) | ip 4 or 16 | port 2. Text: `udp://127.0.0.1:7400`, `tcp://[::1]:7400`.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from .codec import Reader
from .errors import ConfigError, DecodeError

TRANSPORTS = ("udp", "tcp")
HINT = "write it as HOST:PORT, [IPV6]:PORT or udp://HOST:PORT; HOST is an ip address"


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
        if parts.scheme not in TRANSPORTS or port is None or parts.path or parts.query or parts.username:
            raise ConfigError("endpoint", f"{text!r} is not one", HINT)
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host or "")
        except ValueError:
            raise ConfigError("endpoint", f"{text!r} has no ip address", HINT) from None
        return cls(parts.scheme, str(address), port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"

    def pack(self) -> bytes:
        """Return the byte form: 7 bytes for IPv4, 19 for IPv6."""
        address = _address(self.host)
        flags = (address.version == 6) | (self.transport == "tcp") << 1
        return bytes((flags,)) + address.packed + self.port.to_bytes(2, "big")

    @classmethod
    def unpack(cls, reader: Reader) -> Endpoint:
        """Read the byte form; raises DecodeError."""
        flags = reader.number(1)
        if flags > 3:
            raise DecodeError(reader.what, "unknown endpoint flags", reader.offset - 1)
        host = _host(reader.take(16 if flags & 1 else 4))
        return cls(TRANSPORTS[flags >> 1], host, reader.number(2))

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can mean it."""
        return _address(self.host).is_loopback

    @property
    def is_private(self) -> bool:
        """Tell whether it is meant within one site only."""
        return _address(self.host).is_private

    @property
    def is_usable(self) -> bool:
        """Tell whether a packet can be sent there."""
        address = _address(self.host)
        return bool(self.port) and not (address.is_multicast or address.is_unspecified)


@lru_cache(maxsize=4096)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host)


@lru_cache(maxsize=4096)
def _host(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))
