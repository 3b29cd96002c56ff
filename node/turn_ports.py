"""The sockets of relayed transports: a port of the operator's range for each, on one address per family."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from random import Random

from ..wire.endpoint import IPV4, IPV6, Endpoint
from .datagram_socket import DatagramSocket

OnPacket = Callable[[bytes, Endpoint, Endpoint], None]
"""Told a packet, the relayed transport it came to, and the peer."""

SOCKET_FAMILIES = {IPV4: socket.AF_INET, IPV6: socket.AF_INET6}

TRIES_MAX = 32
"""Ports tried in a row when other programs hold them; each costs a system call."""

DISCARD = 9
"""Any port: connecting a datagram socket sends nothing."""


class TurnPorts:
    """Open and close ports, chosen at random so that they cannot be guessed (RFC 8656, section 21.2)."""

    def __init__(self, hosts: Mapping[int, str], ports: range, random: Random, on_packet: OnPacket) -> None:
        """Take the address to bind for each family."""
        self._hosts = dict(hosts)
        self._ports = ports
        self._random = random
        self._on_packet = on_packet
        self._sockets: dict[Endpoint, DatagramSocket] = {}

    def open(self, family: int, count: int, *, even: bool) -> tuple[Endpoint, ...]:
        """Bind one port or two that follow each other, the first one even if asked; nothing when none is free."""
        first, tries = self._random.randrange(len(self._ports)), TRIES_MAX
        for step in range(len(self._ports)):
            port = self._ports[(first + step) % len(self._ports)]
            wanted = [Endpoint("udp", self._hosts[family], port + after) for after in range(count)]
            if (even and port % 2) or any(not self._is_unused(each) for each in wanted):
                continue
            bound = _bind(wanted)
            if bound:
                return self._serve(bound)
            tries -= 1
            if not tries:
                break
        return ()

    def close(self, relayed: Endpoint) -> None:
        """Close the socket of a relayed transport."""
        self._sockets.pop(relayed).close()

    def is_own(self, host: str) -> bool:
        """Tell whether an address is this machine's: the kernel would answer from it; also when it cannot tell."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((host, DISCARD))
                return bool(probe.getsockname()[0] == host)
        except OSError:
            return True

    def send(self, packet: bytes, relayed: Endpoint, peer: Endpoint) -> bool:
        """Send from a relayed transport; false when the endpoint is none."""
        found = self._sockets.get(relayed)
        if found is not None:
            found.send(packet, peer)
        return found is not None

    def _is_unused(self, endpoint: Endpoint) -> bool:
        return endpoint.port in self._ports and endpoint not in self._sockets

    def _serve(self, bound: list[tuple[Endpoint, socket.socket]]) -> tuple[Endpoint, ...]:
        for relayed, opened in bound:
            self._sockets[relayed] = DatagramSocket(opened, self._receiver(relayed), ignore_end_of_batch)
        return tuple(relayed for relayed, _ in bound)

    def _receiver(self, relayed: Endpoint) -> Callable[[bytes, Endpoint], None]:
        on_packet = self._on_packet
        return lambda packet, peer: on_packet(packet, relayed, peer)


def _bind(wanted: list[Endpoint]) -> list[tuple[Endpoint, socket.socket]]:
    """Bind all endpoints or none; none also when the system has no socket left."""
    bound: list[tuple[Endpoint, socket.socket]] = []
    try:
        for endpoint in wanted:
            opened = socket.socket(SOCKET_FAMILIES[endpoint.family], socket.SOCK_DGRAM)
            bound.append((endpoint, opened))
            opened.bind((endpoint.host, endpoint.port))
    except OSError:
        for _, opened in bound:
            opened.close()
        return []
    return bound


def ignore_end_of_batch() -> None:
    """Do nothing after the last datagram of a wake-up: answers have left already."""
