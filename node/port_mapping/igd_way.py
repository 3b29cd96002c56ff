"""Ask a UPnP router: search, HTTP and time for an IgdClient."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ...nat.mapping.igd import Dialogue, IgdClient, T
from ...nat.mapping.lease import Mapped
from ...wire.errors import DecodeError, NoMapping
from .gateway_way import gateway_route
from .search import Search
from .way import Surroundings


class IgdWay:
    """Hold a mapping at the first UPnP router that gives one."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._client: IgdClient | None = None
        self._renewal = asyncio.Event()

    async def hold(self) -> None:
        """Get ports and renew them until the router fails; raises NoMapping, DecodeError, OSError."""
        mapped = await self._first()
        while True:
            self._around.told(mapped)
            config = self._around.config
            pause_s = max(mapped.leases[0].life_s * config.renew_share, config.renew_s_min)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._renewal.wait()
            self._renewal.clear()
            mapped = await self._again()

    def renew(self) -> None:
        """Renew at once."""
        self._renewal.set()

    async def release(self) -> None:
        """Give every port back."""
        if self._client is not None:
            await self._converse(self._client.unmap())

    def close(self) -> None:
        """Do nothing: connections end with each dialogue."""

    async def _first(self) -> Mapped:
        """Try the devices that answer a search, one after the other."""
        around, route = self._around, gateway_route()
        refusals: list[str] = []
        random = around.host.random()
        for location in await Search(around, "" if route is None else route.host).devices():
            self._client = IgdClient(location, around.own, around.config, random)
            try:
                return await self._map()
            except (NoMapping, DecodeError) as error:
                refusals.append(f"{location.host}: {error.reason}")
        raise NoMapping("upnp", "; ".join(refusals) or "nobody answers")

    async def _again(self) -> Mapped:
        """Renew, with patience for a router that is busy."""
        for pause_s in self._around.config.retry_s:
            try:
                return await self._map()
            except (NoMapping, DecodeError):
                await asyncio.sleep(pause_s)
        return await self._map()

    async def _map(self) -> Mapped:
        assert self._client is not None
        return await self._converse(self._client.map(self._around.host.now()))

    async def _converse(self, dialogue: Dialogue[T]) -> T:
        # Its HTTP library costs 17 MB and 0.1 s, which a node whose router speaks PCP saves.
        from .http import converse

        try:
            return await converse(dialogue, self._around.config, self._around.dropped)
        except DecodeError as error:
            self._around.dropped[f"{error.what}: {error.reason}"] += 1
            raise
