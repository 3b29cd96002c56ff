"""What the members do: look up random ids, put and get values, ask agents that they find by capability.

Moments, members, ids and values come from streams of their own, one a purpose: another kind of node, or a slower
network, is asked for the same things at the same times by the same members.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from random import Random
from typing import Any

from ...dht.search import LookupResult
from ...wire.errors import MeshError
from ...wire.identity import NodeId
from ..scenario.schema import Workload as Settings
from ..workload.measurements import Measurements, Operations
from ..workload.rhythm import Rhythm
from ..world import World
from .member import ID_BYTES
from .population import Population
from .seat import Seat

Act = Callable[[Seat], Coroutine[Any, Any, None]]
Ask = Callable[[Seat, Random], Awaitable[bool]]
"""Let a member ask some agent something; true when the answer was right."""

TEXT_BYTES_MIN = 2
"""Values are text of hexadecimal digits, two for a byte."""


class Workload:
    """Let the members act from one time until another."""

    def __init__(
        self,
        world: World,
        population: Population,
        measurements: Measurements,
        settings: Settings,
        ask: Ask | None = None,
    ) -> None:
        self.requests = Operations()
        self.on_lookup: list[Callable[[Seat, NodeId, LookupResult], None]] = []
        """Told of what each lookup of a whole node returned for a target."""
        self.on_get: list[Callable[..., None]] = []
        """Never told: what a get of a whole node was given stays inside it."""
        self.puts = 0
        self.puts_failed = 0
        self._world = world
        self._population = population
        self._measurements = measurements
        self._settings = settings
        self._ask = ask
        self._targets = world.random(0, "targets")
        self._contents = world.random(0, "values")
        self._drawn = world.random(0, "values read")
        self._asked = world.random(0, "requests")
        self._values: dict[str, str] = {}

    def put_all(self, over_s: float) -> None:
        """Give each value an owner, and put them all within a time."""
        for number in range(self._settings.keys):
            content = self._contents.randbytes(max(1, self._settings.value_size // TEXT_BYTES_MIN)).hex()
            at_s = self._world.now() + over_s * self._contents.random()
            self._world.call_at(at_s, partial(self._put, f"key {number}", content))

    def run(self, from_s: float, until_s: float) -> None:
        """Begin, and stop asking for more at a time."""
        kinds: list[tuple[str, float | None, Act]] = [
            ("lookups", self._settings.lookups_every, self._look_up),
            ("gets", self._settings.gets_every, self._get),
            ("requests", self._settings.requests_every if self._ask is not None else None, self._request),
        ]
        for purpose, interval_s, act in kinds:
            rhythm = Rhythm(self._world, self._population, purpose, interval_s, partial(_begin, act))
            rhythm.run(from_s, until_s)

    def _put(self, key: str, content: str) -> None:
        owner = self._population.any_of(self._population.live, self._contents)
        if owner is not None and owner.joined:
            owner.run(self._store(owner, key, content))

    async def _store(self, owner: Seat, key: str, content: str) -> None:
        try:
            await owner.member.put(key, content, self._settings.value_ttl)
        except MeshError:
            self.puts_failed += 1
        else:
            self.puts += 1
            self._values[key] = content

    async def _look_up(self, seat: Seat) -> None:
        target, began_s = self._targets.randbytes(ID_BYTES), self._world.now()
        try:
            found = await seat.member.look_up(target)
        except MeshError:
            self._measurements.looked_up(began_s, self._since_ms(began_s), 0, False, 0)
            return
        right = self._population.nearest(target, exclude=seat.member.node_id) == [found.nearest]
        self._measurements.looked_up(began_s, self._since_ms(began_s), found.hops, right, found.asked)
        if found.result is not None:
            for listener in self.on_lookup:
                listener(seat, NodeId(target), found.result)

    async def _get(self, seat: Seat) -> None:
        if not self._values:
            return
        keys, began_s = list(self._values), self._world.now()
        key = keys[int(self._drawn.random() * len(keys))]
        try:
            found = await seat.member.get(key)
        except MeshError:
            self._measurements.got(began_s, self._since_ms(began_s), 0, False, 0)
            return
        right = found.value == self._values[key]
        self._measurements.got(began_s, self._since_ms(began_s), found.hops, right, 0)

    async def _request(self, seat: Seat) -> None:
        assert self._ask is not None, "requests have a rhythm only then"
        began_s = self._world.now()
        right = await self._ask(seat, self._asked)
        self.requests.add(began_s, self._since_ms(began_s), 0, right, 1)

    def _since_ms(self, began_s: float) -> float:
        return (self._world.now() - began_s) * 1000


def _begin(act: Act, seat: Seat) -> None:
    seat.run(act(seat))
