"""`kademlia` from PyPI: plain Kademlia on rpcudp, no signatures, no encryption."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from kademlia.network import Server

from .systems import Network
from .ways import HOST, Address, Way

JOINS_AT_ONCE = 32

# It warns about every lost request, which is what a killed node is about.
for name in ("kademlia", "rpcudp"):
    logging.getLogger(name).setLevel(logging.CRITICAL)


class KademliaNetwork:
    """Servers with the library's own defaults (k 20, alpha 3)."""

    def __init__(self, way: Way) -> None:
        self._servers: dict[int, Server] = {}
        self._way = way

    async def join(self, numbers: Sequence[int], way_in: Address | None) -> Address:
        """Start them; a node is in when its bootstrap has returned."""
        new = {number: Server() for number in numbers}
        for server in new.values():
            await server.listen(0, HOST)
        ports = [server.transport.get_extra_info("sockname")[1] for server in new.values()]
        outside = self._way.outside(ports)
        self._servers |= new
        gate = asyncio.Semaphore(JOINS_AT_ONCE)

        async def join_one(server: Server, address: Address) -> None:
            async with gate:
                await server.bootstrap([address])

        if way_in:
            await asyncio.gather(*(join_one(server, way_in) for server in new.values()))
        return outside[0]

    async def put(self, node: int, key: str, value: bytes) -> bool:
        """Set a key."""
        return bool(await self._servers[node].set(key, value))

    async def get(self, node: int, key: str) -> bytes | None:
        """Get a key."""
        value: bytes | None = await self._servers[node].get(key)
        return value

    async def kill(self, nodes: Sequence[int]) -> None:
        """Close their sockets; Kademlia has no goodbye."""
        for node in nodes:
            self._servers.pop(node).stop()

    async def close(self) -> None:
        """Stop all."""
        await self.kill(list(self._servers))


def make_network(way: Way) -> Network:
    """Make a network without nodes."""
    return KademliaNetwork(way)
