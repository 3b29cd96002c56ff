"""PortMapping: get the node's port opened by the router, in the background, for as long as the node runs.

PCP and NAT-PMP are tried first, then UPnP; what is lost is sought anew. Nothing waits for it, and the node says that it
is reached at the port only when a stranger's packet has come in through it (node/overlay/mapped_port.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from ...nat.mapping.config import MappingConfig
from ...nat.mapping.lease import Mapped
from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError, NoMapping
from ..host import Host
from ..results import PortMappingStatus
from .gateway_way import GatewayWay
from .way import Surroundings, Way

logger = logging.getLogger(__name__)


def _igd_way(around: Surroundings) -> Way:
    # What reads and writes its XML and URLs is loaded only where the gateway speaks nothing better.
    from .igd_way import IgdWay

    return IgdWay(around)


WAYS: tuple[Callable[[Surroundings], Way], ...] = (GatewayWay, _igd_way)
"""In the order in which they are tried."""


class PortMapping:
    """Hold a mapping of one port; `given` is told the outer UDP endpoint, None when there is none any more."""

    def __init__(
        self,
        host: Host,
        own: Endpoint,
        config: MappingConfig,
        secret: bytes,
        given: Callable[[Endpoint | None], None],
    ) -> None:
        self._host = host
        self._config = config
        self._given = given
        self._around = Surroundings(host=host, own=own, config=config, secret=secret, told=self._told)
        self._mapped: Mapped | None = None
        self._way: Way | None = None
        self._task: asyncio.Task[None] | None = None
        self._refusals: list[str] = []
        self._had_one = False

    @property
    def dropped(self) -> Counter[str]:
        """What came from the local network and was of no use, by reason."""
        return self._around.dropped

    async def start(self) -> None:
        """Begin in the background."""
        self._task = self._host.run(self._keep())

    async def stop(self) -> None:
        """Give the ports back, in no more than the time for it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.release_s):
                await self._leave()

    def renew(self) -> None:
        """Ask the router again at once: the port lets nobody in any more."""
        if self._way is not None:
            self._way.renew()

    def status(self, doubt: str) -> PortMappingStatus:
        """Return what people want to know; `doubt` says why the port does not count."""
        mapped = self._mapped
        if mapped is None:
            return PortMappingStatus(reason="; ".join(self._refusals) or "no answer yet")
        left_s = min(lease.ends_at for lease in mapped.leases) - self._host.now()
        return PortMappingStatus(
            protocol=mapped.protocol,
            external_host=mapped.external_host,
            udp_port=mapped.port("udp"),
            tcp_port=mapped.port("tcp"),
            lease_s=max(0, round(left_s)),
            verified=not doubt,
            reason=doubt,
        )

    async def _keep(self) -> None:
        while True:
            had_one = await self._round()
            await asyncio.sleep(self._config.renew_s_min if had_one else self._config.again_s)

    async def _round(self) -> bool:
        """Try every way once, each for as long as it holds; true when one did."""
        refusals: list[str] = []
        self._had_one = False
        for make in WAYS:
            self._way = make(self._around)
            try:
                await self._way.hold()
            except NoMapping as error:
                refusals.append(f"{error.router}: {error.reason}")
            except (DecodeError, OSError) as error:
                refusals.append(str(error))
            await self._leave()
            if self._had_one:
                break
        self._refusals = refusals
        logger.info("no port mapping: %s", "; ".join(refusals))
        return self._had_one

    async def _leave(self) -> None:
        way, self._way = self._way, None
        self._told(None)
        if way is not None:
            try:
                await way.release()
            finally:
                way.close()

    def _told(self, mapped: Mapped | None) -> None:
        if self._way is None:
            mapped = None
        if mapped == self._mapped:
            return
        self._mapped = mapped
        self._had_one = self._had_one or mapped is not None
        port = 0 if mapped is None else mapped.port("udp")
        self._given(Endpoint("udp", mapped.external_host, port) if mapped is not None and port else None)
