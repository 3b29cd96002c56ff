"""What happens in a run, drawn ahead: who joins when through whom, and who looks up what when.

All of it comes from the streams that tier T1 draws from, in its order, so a scenario asks for the same lookups in both
tiers. It can be drawn ahead because nobody leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..course.phases import Phases
from ..population.arrivals import join_over_s
from ..scenario.schema import Scenario
from ..world import World

ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class PlannedJoin:
    """A node starts and joins through others; indexes count from 1."""

    at_s: float
    index: int
    introducers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlannedLookup:
    """A node looks up an id."""

    at_s: float
    index: int
    target: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """All joins and lookups in the order of their times, in seconds after the begin."""

    joins: tuple[PlannedJoin, ...]
    lookups: tuple[PlannedLookup, ...]
    measured_from_s: float
    end_s: float


def plan_of(scenario: Scenario, seed: int) -> Plan:
    """Draw the plan of a scenario."""
    world, phases = World(seed), Phases.of(scenario)
    return Plan(
        tuple(_joins(scenario, world)),
        tuple(_lookups(scenario, world, phases.measured_from_s, phases.asks_until_s)),
        phases.measured_from_s,
        phases.end_s,
    )


def _joins(scenario: Scenario, world: World) -> list[PlannedJoin]:
    population, random = scenario.population, world.random(0, "joining")
    over_s = join_over_s(population)
    joins: list[PlannedJoin] = []
    for number in range(population.nodes):
        live = range(1, number + 2)
        drawn = random.sample(live, min(len(live), population.introducers + 1))
        others = [index for index in drawn if index != number + 1][: population.introducers]
        joins.append(PlannedJoin(number * over_s / population.nodes, number + 1, tuple(others)))
    return joins


def _lookups(scenario: Scenario, world: World, from_s: float, until_s: float) -> list[PlannedLookup]:
    every_s, nodes = scenario.workload.lookups_every, scenario.population.nodes
    moments, hosts = world.random(0, "lookups: moments"), world.random(0, "lookups: hosts")
    targets = world.random(0, "targets")
    lookups: list[PlannedLookup] = []
    at_s = from_s
    while every_s is not None:
        at_s += moments.expovariate(nodes / every_s)
        if at_s >= until_s:
            break
        index = int(hosts.random() * nodes) + 1
        lookups.append(PlannedLookup(at_s, index, targets.randbytes(ID_BYTES)))
    return lookups
