"""Figures and curves of a run, made of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..network.network import Network
from ..outcome import Curve
from ..scenario.schema import Scenario
from ..workload.measurements import Measurements, Operations, distribution, quantile
from ..world import World

HEALED = 0.95
"""Share of lookups that are right in a network that is whole: less than it is, since a share of few is noisy."""

BUCKETS = 100
"""Points of a curve over time."""

HEAL_BUCKET_S = 5.0
"""A network that heals is looked at in steps of so long."""

HEALED_BUCKETS = 3
"""Steps in a row that must be right: one may be luck."""


class Joined(Protocol):
    """A node that knows whether it has joined."""

    @property
    def joined(self) -> bool: ...


class Counted(Protocol):
    """A population, as far as it is counted."""

    @property
    def honest_live(self) -> Sequence[Joined]: ...

    @property
    def arrivals(self) -> int: ...

    @property
    def departures(self) -> int: ...


class Joins(Protocol):
    """Whoever knows how long joins took."""

    @property
    def took_ms(self) -> Sequence[float]: ...


class Course(Protocol):
    """A run, seen from its end."""

    @property
    def scenario(self) -> Scenario: ...

    @property
    def world(self) -> World: ...

    @property
    def network(self) -> Network: ...

    @property
    def population(self) -> Counted: ...

    @property
    def joining(self) -> Joins: ...

    @property
    def measurements(self) -> Measurements: ...

    @property
    def measured_from_s(self) -> float: ...

    @property
    def cpu_s(self) -> float:
        """Time of the processor in the measured phase."""
        ...


def figures_of(run: Course) -> dict[str, float]:
    """Return the figures by name; of what was not measured there are none."""
    measurements, population, network = run.measurements, run.population, run.network
    lookups, joins = measurements.lookups, sorted(run.joining.took_ms)
    figures = {
        "nodes": run.scenario.population.nodes,
        "virtual_s": round(run.world.now(), 3),
        "joined": sum(host.joined for host in population.honest_live),
        "arrivals": population.arrivals,
        "departures": population.departures,
        "packets": network.packets,
        "events": run.world.event,
        "bytes_per_node_per_s": round(measurements.bytes_per_node_per_s, 1),
    }
    if joins:
        figures["join_p50_ms"] = round(quantile(joins, 0.5), 1)
        figures["join_p99_ms"] = round(quantile(joins, 0.99), 1)
    figures |= {"lookups": 0, **operations_figures("lookup", lookups)}
    if len(lookups):
        figures["hops_mean"] = round(lookups.hops_mean, 3)
        figures["rpcs_per_lookup"] = round(lookups.asked / len(lookups), 2)
    figures |= {"gets": 0, **operations_figures("get", measurements.gets)}
    figures |= operations_figures("put", measurements.puts)
    healed_s = _healed_s(run)
    if healed_s is not None:
        figures["heal_s"] = healed_s
    if run.cpu_s:
        figures["virtual_h_per_cpu_s"] = round(measurements.node_seconds / 3600 / run.cpu_s, 2)
    return figures


def curves_of(run: Course) -> dict[str, Curve]:
    """Return the curves by name."""
    measurements, from_s = run.measurements, run.measured_from_s
    bucket_s = max(1.0, run.scenario.duration / BUCKETS)
    curves = {
        "lookup_success": measurements.lookups.success_over_time(from_s, bucket_s),
        "population": measurements.population_over_time(from_s),
        "latency_cdf": distribution(sorted(measurements.lookups.took_ms)),
        "bytes_per_node_per_s": measurements.bytes_over_time(from_s),
        "heal": _heal(run),
    }
    return {name: curve for name, curve in curves.items() if curve}


def operations_figures(kind: str, operations: Operations) -> dict[str, float]:
    """Return number, success and times of one kind of operation; none when there were none."""
    if not len(operations):
        return {}
    took = sorted(operations.took_ms)
    return {
        f"{kind}s": len(operations),
        f"{kind}_success": round(operations.success, 6),
        f"{kind}_p50_ms": round(quantile(took, 0.5), 1),
        f"{kind}_p99_ms": round(quantile(took, 0.99), 1),
    }


def _heal(run: Course) -> Curve:
    """Return the success of lookups from when the last partition was over."""
    ends = [partition.at + partition.lasts for partition in run.scenario.partition]
    if not ends:
        return []
    over_s = run.measured_from_s + max(ends)
    curve = run.measurements.lookups.success_over_time(over_s, HEAL_BUCKET_S)
    return [(at, success) for at, success in curve if at >= 0]


def _healed_s(run: Course) -> float | None:
    """Return how long after the last partition lookups were right again; None when they never were."""
    curve = _heal(run)
    for place, (at, _) in enumerate(curve[: 1 - HEALED_BUCKETS]):
        if all(success >= HEALED for _, success in curve[place : place + HEALED_BUCKETS]):
            return at
    return None
