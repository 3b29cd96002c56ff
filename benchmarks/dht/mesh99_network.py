"""mesh99's DHT: whole Overlays, so each request is encrypted and each record signed and verified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from mesh99.dht.get import GetResult
from mesh99.dht.put import PutResult
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.record import Record, value_key

from ..overlay_host import OverlayHost
from .systems import Network
from .ways import Address, Way

JOINS_AT_ONCE = 32
TTL_S = 3600


class Mesh99Network:
    """Overlays with their own defaults."""

    def __init__(self, way: Way) -> None:
        self._ends: dict[int, OverlayHost] = {}
        self._way = way

    async def join(self, numbers: Sequence[int], way_in: Address | None) -> Address:
        """Start them; a node is in when its bootstrap is done."""
        new = {number: OverlayHost(OverlayConfig()) for number in numbers}
        outside = self._way.outside([end.endpoint.port for end in new.values()])
        self._ends |= new
        gate = asyncio.Semaphore(JOINS_AT_ONCE)

        async def join_one(end: OverlayHost, known: Endpoint) -> None:
            async with gate:
                await end.connect(known)
                await result_of(end, lambda done: end.overlay.dht.bootstrap(end.host.now(), done))

        if way_in:
            known = Endpoint("udp", *way_in)
            await asyncio.gather(*(join_one(end, known) for end in new.values()))
        return outside[0]

    async def put(self, node: int, key: str, value: bytes) -> bool:
        """Sign a value and store it."""
        end = self._ends[node]
        record = Record.create(end.identity, value_key(key), value, sequence=1, ttl_s=TTL_S)
        result: PutResult = await result_of(
            end, lambda done: end.overlay.dht.put(record, end.host.now(), done)
        )
        return bool(result.stored_on)

    async def get(self, node: int, key: str) -> bytes | None:
        """Get the first record that verifies."""
        end = self._ends[node]
        result: GetResult = await result_of(
            end, lambda done: end.overlay.dht.get(value_key(key), end.host.now(), done)
        )
        return result.records[0].value if result.records else None

    async def kill(self, nodes: Sequence[int]) -> None:
        """Close their sockets without a word."""
        for node in nodes:
            await self._ends.pop(node).die()

    async def close(self) -> None:
        """Stop all."""
        await self.kill(list(self._ends))


async def result_of(end: OverlayHost, start: Callable[[Callable[[Any], None]], None]) -> Any:
    """Start an operation of the DHT and wait for its result."""
    result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    start(lambda value: None if result.done() else result.set_result(value))
    end.pump.kick()
    return await result


def make_network(way: Way) -> Network:
    """Make a network without nodes."""
    return Mesh99Network(way)
