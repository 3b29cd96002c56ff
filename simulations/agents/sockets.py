"""The sockets of a virtual loop: datagrams over the simulated network, and listeners that simulated calls reach."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ...wire.endpoint import Endpoint
from ..network.network import Network


class Sockets:
    """What programs on this loop have bound, each on the machine whose address it named."""

    def __init__(self, network: Network, index_of: Callable[[str], int]) -> None:
        self.network = network
        self.listeners: dict[tuple[str, int], Listener] = {}
        self._index_of = index_of

    def bind_datagrams(
        self,
        protocol_factory: Callable[[], asyncio.DatagramProtocol],
        local_addr: tuple[str, int] | None = None,
        remote_addr: tuple[str, int] | None = None,
        **_: Any,
    ) -> tuple[DatagramTransport, asyncio.DatagramProtocol]:
        """Bind a UDP port; `local_addr` names the machine by its address, since this loop runs on all of them."""
        if local_addr is None or remote_addr is not None:
            raise ValueError("a simulated UDP socket needs local_addr, and is never connected")
        protocol = protocol_factory()
        endpoint = Endpoint("udp", *local_addr)
        transport = DatagramTransport(self.network, self._index_of(endpoint.host), endpoint, protocol)
        protocol.connection_made(transport)
        return transport, protocol

    def listen(self, protocol_factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """Listen at a TCP port; raises OSError when it is taken."""
        address = (host, port)
        if address in self.listeners:
            raise OSError(98, "Address already in use")
        listener = Listener(protocol_factory, address, self.listeners)
        self.listeners[address] = listener
        return listener


class Listener:
    """A TCP port that a program listens at; `accept` makes the protocol of one connection."""

    def __init__(
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        address: tuple[str, int],
        listeners: dict[tuple[str, int], Listener],
    ) -> None:
        self.accept = protocol_factory
        self.address = address
        self._listeners = listeners

    def close(self) -> None:
        """Listen no more."""
        self._listeners.pop(self.address, None)

    async def wait_closed(self) -> None:
        """Nothing lingers."""


class DatagramTransport(asyncio.DatagramTransport):
    """One UDP socket of a simulated machine."""

    def __init__(
        self, network: Network, index: int, endpoint: Endpoint, protocol: asyncio.DatagramProtocol
    ) -> None:
        super().__init__({"sockname": (endpoint.host, endpoint.port)})
        self.index = index
        self._network = network
        self._endpoint = endpoint
        self._protocol = protocol
        self._closing = False
        self._destinations: dict[Any, Endpoint] = {}
        network.attach(endpoint, index, self._received)

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send one datagram; a closed socket sends none, as asyncio's own."""
        if self._closing or addr is None:
            return
        destination = self._destinations.get(addr)
        if destination is None:
            destination = self._destinations[addr] = Endpoint("udp", addr[0], addr[1])
        self._network.send(bytes(data), self.index, self._endpoint, destination)

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Receive nothing more."""
        if not self._closing:
            self._closing = True
            self._network.detach(self._endpoint)
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """Close."""
        self.close()

    def _received(self, packet: bytes, source: Endpoint) -> None:
        self._protocol.datagram_received(packet, (source.host, source.port))
