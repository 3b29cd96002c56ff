"""How the first hosts come, and how many more come later, all at about the same time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..host import Host
from ..scenario.schema import Arrival
from ..scenario.schema import Population as Settings
from ..scenario.units import count_of
from ..world import World
from .population import Population

JOIN_INTERVAL_S = 0.1
"""Time between two hosts that start, when a scenario does not say in what time all have."""

JOIN_OVER_S = 120.0
"""From here on they start closer together then."""

CROWDED_INTERVAL_S = 0.006
"""But not closer than this: the first few are known to few, and all others begin with them."""


def join_over_s(settings: Settings) -> float:
    """Return the time in which the hosts of the start come; none when they are there from the beginning."""
    if settings.start == "warm":
        return 0.0
    if settings.join_over is not None:
        return float(settings.join_over)
    return min(settings.nodes * JOIN_INTERVAL_S, max(JOIN_OVER_S, settings.nodes * CROWDED_INTERVAL_S))


def start_one_by_one(world: World, population: Population, settings: Settings) -> None:
    """Start the hosts of the start evenly over their time."""
    over_s = join_over_s(settings)
    for number in range(settings.nodes):
        world.call_at(number * over_s / settings.nodes, partial(_start, population))


def _start(population: Population) -> None:
    population.start_new()


class FlashCrowd:
    """Many hosts that come at random moments of a short time."""

    def __init__(self, world: World, population: Population, came: Callable[[Host], None] | None) -> None:
        self._world = world
        self._population = population
        self._came = came
        self._random = world.random(0, "arrivals")

    def announce(self, arrival: Arrival, nodes: int, begin_s: float) -> None:
        """Let them come from a time on; their number is a share of `nodes`."""
        for _ in range(count_of(arrival.share, nodes)):
            self._world.call_at(begin_s + arrival.over * self._random.random(), self._start)

    def _start(self) -> None:
        host = self._population.start_new()
        if self._came is not None:
            self._came(host)
