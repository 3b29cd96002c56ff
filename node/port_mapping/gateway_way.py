"""Ask the default gateway over UDP: sockets and time for a GatewayClient."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...nat.mapping.answer import PORT
from ...nat.mapping.gateway import GatewayClient
from ...nat.mapping.routes import Route, default_gateway
from ...wire.endpoint import Endpoint
from ...wire.errors import NoMapping
from .way import Surroundings

ROUTES = Path("/proc/net/route")


def gateway_route() -> Route | None:
    """Return the way to the default gateway; None where there is none, or no Linux."""
    try:
        return default_gateway(ROUTES.read_text())
    except OSError:
        return None


class GatewayWay(asyncio.DatagramProtocol):
    """Hold a mapping at the default gateway."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._client: GatewayClient | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._gateway = ("", PORT)
        self._awake = asyncio.Event()

    async def hold(self) -> None:
        """Get ports and renew them until the gateway gives none; raises NoMapping, OSError."""
        route = gateway_route()
        if route is None:
            raise NoMapping("gateway", "there is none")
        around = self._around
        self._gateway = (route.host, PORT)
        self._client = client = GatewayClient(
            Endpoint("udp", *self._gateway),
            around.own,
            around.config,
            around.secret,
            around.host.now(),
        )
        client.dropped = around.dropped
        self._transport, _ = await around.host.loop.create_datagram_endpoint(
            lambda: self, local_addr=(around.own.host, 0)
        )
        await self._until(client, lambda: bool(client.failure))
        raise NoMapping(route.host, client.failure)

    def renew(self) -> None:
        """Renew at once."""
        if self._client is not None:
            self._client.renew(self._around.host.now())
            self._awake.set()

    async def release(self) -> None:
        """Give every port back."""
        client = self._client
        if client is not None and self._transport is not None:
            client.give_back(self._around.host.now())
            await self._until(client, lambda: client.is_done)

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    async def _until(self, client: GatewayClient, done: Callable[[], bool]) -> None:
        host = self._around.host
        while True:
            client.handle_timeout(host.now())
            self._flush(client)
            self._around.told(client.mapped)
            if done():
                return
            due_at = client.next_timeout()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due_at is None else due_at - host.now()):
                    await self._awake.wait()
            self._awake.clear()

    def _flush(self, client: GatewayClient) -> None:
        packets, client.packets = client.packets, []
        for packet in packets:
            if self._transport is not None:
                self._transport.sendto(packet, self._gateway)

    # DatagramProtocol

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take an answer."""
        if self._client is not None:
            self._client.receive(data, Endpoint("udp", address[0], address[1]), self._around.host.now())
            self._awake.set()

    def error_received(self, error: Exception) -> None:
        """Count what the kernel says of an earlier packet: nobody listens there."""
        self._around.dropped["mapping: the gateway does not listen"] += 1
