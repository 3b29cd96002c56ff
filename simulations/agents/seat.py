"""A place in the population: one member that can be switched on and off at any moment.

Switching is a plain call, as for a host of the heap, so that churn, arrivals and faults are the same for both. What it
takes (a goodbye, a join) are tasks, kept in the order of their beginning and never in sets, so that a session ends in
the same way in every process. The next one begins when the last one has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from ...node.overlay.overlay import Overlay
from ...node.pump import Pump
from ...wire.endpoint import Endpoint
from ...wire.errors import MeshError
from ..world import World
from .member import Member

LOOK_S = 5.0
"""How often a member that found nobody at its start is looked at again: `NodeConfig.rejoin_s`."""


class Watcher(Protocol):
    """Whoever keeps the list of those that are up."""

    def came_up(self, seat: Seat) -> Sequence[Endpoint]:
        """Note that a member starts; return whom it is told of."""
        ...

    def went_down(self, seat: Seat) -> None:
        """Note that a member stops or has crashed."""
        ...

    def is_alone(self, seat: Seat) -> bool:
        """Tell whether there is nobody whom it could find."""
        ...

    def has_joined(self, seat: Seat, took_s: float) -> None:
        """Note that a member found its network."""
        ...


class Seat:
    """One member, up or down."""

    honest = True

    def __init__(
        self, world: World, loop: asyncio.AbstractEventLoop, member: Member, watcher: Watcher
    ) -> None:
        self.index = member.machine.index
        self.endpoint = member.machine.endpoint
        self.endpoints = (self.endpoint,)
        self.families = self.endpoint.family
        self.disk = member.machine.disk
        self.clock = member.machine.clock
        self.identity = member.machine.identity
        self.member = member
        self.up = False
        self.session = 0
        """How many times it was switched on."""
        self._world = world
        self._loop = loop
        self._watcher = watcher
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._ending: asyncio.Task[None] | None = None
        self._begun = False
        """Its member has begun to start in this session: the last one has ended."""

    @property
    def joined(self) -> bool:
        """It is up and knows others."""
        return self._begun and self.member.joined

    @property
    def overlay(self) -> Overlay:
        """The network side of the node that runs there."""
        host = self.member.machine.running
        assert host is not None, "it is up"
        assert host.overlay is not None, "it has started"
        return host.overlay

    @property
    def pump(self) -> Pump:
        """What moves its packets."""
        host = self.member.machine.running
        assert host is not None, "it is up"
        assert host.pump is not None, "it has started"
        return host.pump

    def start(self) -> None:
        """Switch it on; no effect when it is up."""
        if not self.up:
            self.up = True
            self.session += 1
            introducers = self._watcher.came_up(self)
            self.run(self._bring_in(introducers))

    def stop(self, graceful: bool = True) -> None:
        """Switch it off, with a goodbye or without a word; no effect when it is down."""
        if self.up:
            if not graceful:
                self.member.cut_off(power_lost=False)
            self._end()

    def crash(self) -> None:
        """Take its power: without a word, and what was not synced is lost."""
        if self.up:
            self.member.cut_off(power_lost=True)
            self._end()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run what the member does, until it ends or the member is switched off."""
        if not self.up:
            coroutine.close()
            return
        task = self._loop.create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self._done)

    async def ended(self) -> None:
        """Wait until the last session has ended."""
        if self._ending is not None:
            await self._ending

    def _end(self) -> None:
        self.up = self._begun = False
        self._watcher.went_down(self)
        self._ending = self._loop.create_task(self._leave(list(self._tasks), self._ending))

    async def _leave(self, tasks: list[asyncio.Task[Any]], before: asyncio.Task[None] | None) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if before is not None:
            await before
        await self.member.stop()

    async def _bring_in(self, introducers: Sequence[Endpoint]) -> None:
        session, began_s = self.session, self._world.now()
        await self.ended()
        self._begun = True
        await self.member.start(introducers)
        while not self.member.joined and not self._watcher.is_alone(self):
            await asyncio.sleep(LOOK_S)
        if session == self.session:
            self._watcher.has_joined(self, self._world.now() - began_s)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, MeshError):
            self._loop.call_exception_handler({"message": "a member failed", "exception": error})
