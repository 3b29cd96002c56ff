"""Search the local network for UPnP routers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from ...nat.mapping.ssdp import GROUP, location, searches
from ...nat.mapping.url import Url
from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from .way import Surroundings

HOPS = 2
"""How far a search goes (UPnP Device Architecture 1.1, section 1.3.2)."""


class Search(asyncio.DatagramProtocol):
    """Collect the devices that answer, the default gateway first, and end the search with its answer."""

    def __init__(self, around: Surroundings, gateway: str) -> None:
        self._around = around
        self._gateway = gateway
        self._found: dict[Url, None] = {}
        self._gateway_answered = asyncio.Event()

    async def devices(self) -> list[Url]:
        """Return where they describe themselves; raises OSError."""
        around = self._around
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
            bound.setblocking(False)
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(around.own.host))
            bound.bind((around.own.host, 0))
            transport, _ = await around.host.loop.create_datagram_endpoint(lambda: self, sock=bound)
            try:
                await self._ask(transport)
            finally:
                transport.close()
        return self.found()

    def found(self) -> list[Url]:
        """Return the devices that have answered so far."""
        return sorted(self._found, key=lambda url: url.host != self._gateway)

    async def _ask(self, transport: asyncio.DatagramTransport) -> None:
        """Search twice, since the packets may get lost."""
        for _ in range(2):
            for packet in searches():
                transport.sendto(packet, GROUP[1:])
            with suppress(TimeoutError):
                async with asyncio.timeout(self._around.config.search_s / 2):
                    await self._gateway_answered.wait()
                return

    # DatagramProtocol

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take an answer; of further devices than there is room for, only the gateway's."""
        try:
            url = location(data, Endpoint("udp", address[0], address[1]))
        except DecodeError as error:
            self._around.dropped[f"{error.what}: {error.reason}"] += 1
            return
        is_gateway = url.host == self._gateway
        if is_gateway or len(self._found) < self._around.config.devices_max:
            self._found[url] = None
        if is_gateway:
            self._gateway_answered.set()
        elif url not in self._found:
            self._around.dropped["ssdp: too many devices"] += 1
