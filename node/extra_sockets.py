"""UDP sockets beside the node's main one, opened by the first packet through them.

A box that gives each socket and each peer a port of its own is met through one of many (nat/search.py). Their number is
part of the endpoints that packets go to and come from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..wire.endpoint import Endpoint
from .addresses import bind_extra
from .datagram_socket import DatagramSocket


class ExtraSockets:
    """Hold the extra sockets of one node, by number."""

    def __init__(
        self,
        beside: Endpoint,
        on_datagram: Callable[[bytes, Endpoint], None],
        on_drained: Callable[[], None],
        on_readable: Callable[[], None],
        *,
        sockets_max: int,
    ) -> None:
        self._beside = beside
        self._told = (on_datagram, on_drained, on_readable)
        self._sockets_max = sockets_max
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[int, DatagramSocket] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send through the socket that the endpoint names; lost when that cannot be opened."""
        number = destination.socket
        found = self._sockets.get(number) or self._open(number)
        if found is not None:
            found.send(packet, destination)

    def close_one(self, number: int) -> None:
        """Close a socket, if there is one."""
        found = self._sockets.pop(number, None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Close all."""
        for number in list(self._sockets):
            self.close_one(number)

    def _open(self, number: int) -> DatagramSocket | None:
        if len(self._sockets) >= self._sockets_max:
            return None
        try:
            bound = bind_extra(self._beside)
        except OSError:
            # No files left: a search with fewer sockets only takes longer.
            return None
        opened = self._sockets[number] = DatagramSocket(bound, *self._told, number, self._loop)
        return opened
