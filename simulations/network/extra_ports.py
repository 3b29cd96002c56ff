"""The extra UDP sockets of a simulated machine (node/ports.py): more ports of its address."""

from __future__ import annotations

from functools import partial

from ...wire.endpoint import Endpoint
from .attachment import Receive
from .network import Network

PORTS = range(50_000, 50_512)
"""As many as a real host opens."""


class ExtraPorts:
    """Open, use and close the extra sockets of one machine."""

    __slots__ = ("_endpoint", "_index", "_network", "_opened", "_receive")

    def __init__(self, network: Network, index: int, endpoint: Endpoint, receive: Receive) -> None:
        self._network = network
        self._index = index
        self._endpoint = endpoint
        self._receive = receive
        self._opened: dict[int, Endpoint] = {}

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send through the socket that the endpoint names; lost when no more can be opened."""
        number = destination.socket
        source = self._opened.get(number) or self._open(number)
        if source is not None:
            self._network.send(packet, self._index, source, destination.through(0))

    def close(self, number: int) -> None:
        """Close a socket, if there is one."""
        endpoint = self._opened.pop(number, None)
        if endpoint is not None:
            self._network.detach(endpoint)

    def close_all(self) -> None:
        """Close all."""
        for number in list(self._opened):
            self.close(number)

    def _open(self, number: int) -> Endpoint | None:
        used = {endpoint.port for endpoint in self._opened.values()}
        port = next((port for port in PORTS if port not in used), None)
        if port is None:
            return None
        endpoint = self._opened[number] = self._endpoint._replace(port=port)
        self._network.attach(endpoint, self._index, partial(self._arrived, number))
        return endpoint

    def _arrived(self, number: int, packet: bytes, source: Endpoint) -> None:
        self._receive(packet, source.through(number))
