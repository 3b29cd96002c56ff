"""One kind of operation: some node that is up at random moments, on average every so often each.

Every node acts independently of the others and of its past, so all of them together do the same at a rate that is in
proportion to how many are up: one pending call a kind serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from ..world import World


class Acting(Protocol):
    """A node that may act; one that is still joining has nobody to ask: its agent waits."""

    @property
    def joined(self) -> bool: ...


ActingT = TypeVar("ActingT", bound=Acting)
ActingT_co = TypeVar("ActingT_co", bound=Acting, covariant=True)


class Honest(Protocol[ActingT_co]):
    """A population, as far as it acts."""

    @property
    def honest_live(self) -> Sequence[ActingT_co]: ...


class Rhythm(Generic[ActingT]):
    """Let nodes act; moments and nodes come from streams of their own."""

    __slots__ = ("_act", "_interval_s", "_moments", "_nodes", "_population", "_until_s", "_world")

    def __init__(
        self,
        world: World,
        population: Honest[ActingT],
        purpose: str,
        interval_s: float | None,
        act: Callable[[ActingT], None],
    ) -> None:
        self._world = world
        self._population = population
        self._interval_s = interval_s
        self._act = act
        self._moments = world.random(0, f"{purpose}: moments")
        self._nodes = world.random(0, f"{purpose}: hosts")
        self._until_s = 0.0

    def run(self, from_s: float, until_s: float) -> None:
        """Act between two times; never, without an interval."""
        self._until_s = until_s
        if self._interval_s is not None:
            self._schedule(from_s, self._interval_s)

    def _schedule(self, after_s: float, interval_s: float) -> None:
        nodes = max(1, len(self._population.honest_live))
        when = after_s + self._moments.expovariate(nodes / interval_s)
        if when < self._until_s:
            self._world.call_at(when, self._due)

    def _due(self) -> None:
        nodes = self._population.honest_live
        node = nodes[int(self._nodes.random() * len(nodes))] if nodes else None
        if node is not None and node.joined:
            self._act(node)
        if self._interval_s is not None:
            self._schedule(self._world.now(), self._interval_s)
