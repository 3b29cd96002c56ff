"""Ask a STUN server from a socket of its own: the real world under `nat/stun/discovery.py`."""

from __future__ import annotations

import os
import socket
import time

from ..nat.stun.discovery import Discovered, Discovery
from ..nat.stun.message import MESSAGE_BYTES_MAX, decode
from ..wire.endpoint import Endpoint
from ..wire.errors import DecodeError


def discover(server: Endpoint) -> Discovered:
    """Return what the server's answers say; takes seconds where something does not answer. Raises OSError."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.bind(("", 0))
        own = Endpoint("udp", own_host(server, family), asking.getsockname()[1])
        discovery = Discovery(server, own, os.urandom, time.monotonic())
        while not discovery.is_over:
            _turn(asking, discovery)
    return discovery.found


def own_host(server: Endpoint, family: int) -> str:
    """Return this machine's address on the way to a server; nothing is sent for it."""
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        way.connect((server.host, server.port))
        return str(way.getsockname()[0])


def _turn(asking: socket.socket, discovery: Discovery) -> None:
    """Send what is due, and take one packet or the time it is waited for."""
    transactions = discovery.transactions
    packets, transactions.packets = transactions.packets, []
    for packet, destination in packets:
        asking.sendto(packet, (destination.host, destination.port))
    due = transactions.next_timeout()
    if due is not None:
        asking.settimeout(max(due - time.monotonic(), 0.001))
    try:
        packet, (host, port, *_) = asking.recvfrom(MESSAGE_BYTES_MAX)
        transactions.receive(decode(packet), Endpoint("udp", host, port), time.monotonic())
    except (TimeoutError, DecodeError):
        pass  # nothing came, or nothing that makes sense: what is due is sent again below
    transactions.handle_timeout(time.monotonic())
