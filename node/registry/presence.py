"""Presence: keeps one agent listed in one registry.

  down  --register-->  up       then a heartbeat at a third of the ttl
  up    --404, or the packet changed-->  registers again; the registry's old uuid, if another, is withdrawn
  any   --failure-->  down      and again after a back-off that doubles, with jitter
  stop  withdraws

A registry that is gone is no trouble: nothing waits for it but this task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

from ...wire.errors import AlreadyStarted, MeshError, RegistryUnavailable, RemoteRejected
from .client import RegistryClient
from .config import PresenceConfig

OnChange = Callable[[bool, MeshError | None], None]


class Presence:
    """Keep an agent listed between `start` and `stop`.

    `packet` is asked for the info packet at every beat; a change registers again at once when `changed` is
    called. `on_change(up, error)` is called at each change between up and down, and must not raise.
    """

    def __init__(
        self,
        client: RegistryClient,
        packet: Callable[[], Mapping[str, object]],
        random: Random,
        config: PresenceConfig | None = None,
        *,
        on_change: OnChange | None = None,
    ) -> None:
        self.client = client
        self.uuid: str | None = None
        self.error: MeshError | None = None
        """Why it is down; None while up and before the first call."""
        self.up: bool | None = None
        """Whether the last call succeeded; None before the first."""
        self._packet = packet
        self._random = random
        self._config = config or PresenceConfig()
        self._on_change = on_change
        self._registered: dict[str, object] | None = None
        self._failures = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin in the background; returns at once."""
        if self._task is not None:
            raise AlreadyStarted
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and withdraw when listed; a registry that does not answer is left to its ttl."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        uuid, self.uuid = self.uuid, None
        self._registered = self.up = None
        if uuid is not None:
            with suppress(RegistryUnavailable, RemoteRejected, TimeoutError):
                async with asyncio.timeout(self._config.stop_timeout_s):
                    await self.client.withdraw(uuid)

    def changed(self) -> None:
        """Say that the packet may differ now: it is looked at without waiting for the next beat."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            delay_s = await self._beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._wake.wait()

    async def _beat(self) -> float:
        """Register or give a heartbeat; say how long to wait."""
        packet = {"ttl": self._config.ttl_s, **self._packet()}
        try:
            if self.uuid is None or packet != self._registered or not await self.client.heartbeat(self.uuid):
                await self._register(packet)
        except (RegistryUnavailable, RemoteRejected) as error:
            self._failures += 1
            self._set_up(False, error)
            return self._back_off_s()
        self._failures = 0
        self._set_up(True, None)
        return _ttl_s(packet) / 3 * self._random.uniform(0.9, 1.0)

    async def _register(self, packet: dict[str, object]) -> None:
        old = self.uuid
        self.uuid = await self.client.register(packet)
        self._registered = packet
        if old is not None and old != self.uuid:
            await self.client.withdraw(old)

    def _back_off_s(self) -> float:
        config = self._config
        # The exponent is bounded because a float overflows after a thousand failures.
        longest_s = min(config.retry_s_max, config.retry_s_min * 2.0 ** min(self._failures - 1, 30))
        return longest_s * self._random.uniform(0.5, 1.0)

    def _set_up(self, up: bool, error: MeshError | None) -> None:
        self.error = error
        if up is not self.up:
            self.up = up
            if self._on_change is not None:
                self._on_change(up, error)


def _ttl_s(packet: Mapping[str, object]) -> float:
    ttl_s = packet["ttl"]
    assert isinstance(ttl_s, int | float), "the registry accepted it"
    return float(ttl_s)
