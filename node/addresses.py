"""Bind a node's two sockets, and tell which addresses they are reached at.

A socket bound to `::` speaks IPv4 too, with addresses mapped into IPv6 (RFC 4291, section 2.5.5.2). Endpoints never
show that: whoever listens at `::` has IPv4 and IPv6 endpoints, and peers of both kinds.
"""

from __future__ import annotations

import errno
import socket

from ..wire.endpoint import Endpoint

MAPPED = "::ffff:"
ANY_V4, ANY_V6 = "0.0.0.0", "::"
ROUTE_PROBES = {socket.AF_INET: ("203.0.113.1", 9), socket.AF_INET6: ("2001:db8::1", 9)}
"""Documentation addresses (RFC 5737, RFC 3849): asking the kernel for a route sends nothing and tells our own one."""

FREE_PORT_TRIES = 8
"""Any port that is free for UDP may be taken for TCP; eight of the kernel's choice are not all taken."""


def bind_pair(wanted: Endpoint) -> tuple[socket.socket, socket.socket]:
    """Bind UDP and TCP to the same port; raises OSError."""
    for _ in range(FREE_PORT_TRIES - 1 if not wanted.port else 0):
        try:
            return _bind_once(wanted)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _bind_once(wanted)


def _bind_once(wanted: Endpoint) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    tcp = socket.socket(family, socket.SOCK_STREAM)
    try:
        if wanted.host == ANY_V6:
            for each in (udp, tcp):
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind((wanted.host, wanted.port))
        tcp.bind((wanted.host, udp.getsockname()[1]))
    except OSError:
        udp.close()
        tcp.close()
        raise
    return udp, tcp


def bind_extra(beside: Endpoint) -> socket.socket:
    """Bind one more UDP socket at the address of another, at any port; raises OSError."""
    family = socket.AF_INET6 if ":" in beside.host else socket.AF_INET
    extra = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if beside.host == ANY_V6:
            extra.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        extra.bind((beside.host, 0))
    except OSError:
        extra.close()
        raise
    return extra


def reached_at(bound: Endpoint) -> tuple[Endpoint, ...]:
    """Return where a socket is reached: the machine's own addresses, then loopback, when it is bound to all of them."""
    hosts: tuple[str, ...] = (bound.host,)
    if bound.host == ANY_V4:
        hosts = (own_address(socket.AF_INET), "127.0.0.1")
    elif bound.host == ANY_V6:
        hosts = (own_address(socket.AF_INET), own_address(socket.AF_INET6), "127.0.0.1", "::1")
    return tuple(bound._replace(host=host) for host in dict.fromkeys(hosts) if host)


def is_wildcard(host: str) -> bool:
    """Tell whether a socket bound there is reached at every address of the machine."""
    return host in (ANY_V4, ANY_V6)


def plain(host: str) -> str:
    """Return the address as endpoints write it."""
    return host[len(MAPPED) :] if host.startswith(MAPPED) and "." in host else host


def for_socket(host: str, family: int) -> str:
    """Return the address as a socket of a family takes it."""
    return host if family == socket.AF_INET or ":" in host else MAPPED + host


def own_address(family: socket.AddressFamily) -> str:
    """Return the address that packets to the world leave from, or nothing where there is no way."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ROUTE_PROBES[family])
        except OSError:
            return ""
        return str(probe.getsockname()[0])
