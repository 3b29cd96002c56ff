"""The default gateway, read from Linux' table of routes.

`/proc/net/route` (proc(5)) has addresses as hexadecimal numbers in the machine's byte order.
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
    """Return the default gateway of the contents of `/proc/net/route`."""
    return min(_routes(text), default=None)


def _routes(text: str) -> Iterator[Route]:
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        interface, destination, gateway, flags, metric, mask = (*fields[:4], fields[6], fields[7])
        if int(destination, 16) or int(mask, 16) or not _is_gateway(flags):
            continue
        host = ipaddress.IPv4Address(int(gateway, 16).to_bytes(4, sys.byteorder))
        yield Route(int(metric), str(host), interface)


def _is_gateway(flags: str) -> bool:
    return int(flags, 16) & (UP | GATEWAY) == UP | GATEWAY
