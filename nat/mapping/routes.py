"""The default gateway, read from Linux' tables of routes (proc(5)).

`/proc/net/route` has addresses as hexadecimal numbers in the machine's byte order, `/proc/net/ipv6_route` as plain
hexadecimal bytes.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from typing import NamedTuple

UP, GATEWAY = 1, 2
"""Flags of a route (route.h)."""


class Route(NamedTuple):
    """A way out: by which address, over which interface; lower metrics go first."""

    metric: int
    host: str
    interface: str


def default_gateway(text: str) -> Route | None:
    """Return the IPv4 default gateway of the contents of `/proc/net/route`."""
    return min(_ipv4_routes(text), default=None)


def default_gateway_ipv6(text: str) -> Route | None:
    """Return the IPv6 default gateway of the contents of `/proc/net/ipv6_route`."""
    return min(_ipv6_routes(text), default=None)


def _ipv4_routes(text: str) -> Iterator[Route]:
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        interface, destination, gateway, flags, metric, mask = (*fields[:4], fields[6], fields[7])
        if int(destination, 16) or int(mask, 16) or not _is_gateway(flags):
            continue
        host = ipaddress.IPv4Address(int(gateway, 16).to_bytes(4, sys.byteorder))
        yield Route(int(metric), str(host), interface)


def _ipv6_routes(text: str) -> Iterator[Route]:
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 10:
            continue
        destination, length, gateway, metric, flags, interface = (*fields[:2], *fields[4:6], *fields[8:10])
        if int(destination, 16) or int(length, 16) or not _is_gateway(flags):
            continue
        yield Route(int(metric, 16), str(ipaddress.IPv6Address(bytes.fromhex(gateway))), interface)


def _is_gateway(flags: str) -> bool:
    return int(flags, 16) & (UP | GATEWAY) == UP | GATEWAY
