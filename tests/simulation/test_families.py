"""A network of IPv4-only, IPv6-only and dual-stack nodes: each finds the nearest that it reaches and asks no others."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.run import replay_line
from mesh99.simulations.scenario.schema import (
    Churn,
    Duration,
    Lifetimes,
    Population,
    Scenario,
    Share,
    Workload,
)
from mesh99.wire.endpoint import IPV4, IPV6

BUSY = Workload(lookups_every=Duration(20.0), gets_every=Duration(20.0), puts_every=Duration(60.0), keys=40)


def _ran(start: Any = "join", **parts: Any) -> HeapRun:
    """Run 60 nodes, two fifths of them IPv4 only, a fifth IPv6 only, two fifths dual stack."""
    population = Population(
        nodes=60, start=start, profile="default", ipv6_only=Share(0.2), dual_stack=Share(0.4)
    )
    scenario = Scenario(
        name="families",
        about="Two address families.",
        duration=Duration(60.0),
        population=population,
        workload=BUSY,
        **parts,
    )
    run = HeapRun(scenario, 7)
    outcome = run.run(RunOptions())
    assert outcome.failures == (), f"{outcome.failures} {replay_line(outcome)}"
    return run


@pytest.mark.parametrize("start", ["join", "warm"])
def test_lookups_gets_and_puts_are_right_in_each_family(start: str) -> None:
    run = _ran(start)
    measured = run.measurements
    assert {host.families for host in run.population.live} == {IPV4, IPV6, IPV4 | IPV6}
    assert len(measured.lookups) > 100
    assert measured.lookups.success > 0.99
    assert measured.gets.success == 1.0
    assert measured.puts.success == 1.0
    assert run.network.lost["no address of the family"] == 0
    for context in (context for host in run.population.live for context in host.overlay.dht.contexts):
        assert len(context.table) > 10
        assert {entry.contact.family for entry in context.table} == {context.family}


def test_the_families_stay_joined_under_churn() -> None:
    lifetimes = Lifetimes(distribution="exponential", scale=Duration(300.0))
    run = _ran(churn=Churn(session=lifetimes, offline=lifetimes))
    assert run.population.departures > 5
    assert run.measurements.gets.success > 0.98
    assert run.network.lost["no address of the family"] == 0
