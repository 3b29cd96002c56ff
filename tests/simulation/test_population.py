"""Hosts that come, go and come back, on real Overlays; and tables that were made directly."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.network.partitions import Passage
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.population.population import Population
from mesh99.simulations.run import replay_line
from mesh99.simulations.scenario.schema import (
    Adversary,
    Arrival,
    Churn,
    Duration,
    Lifetimes,
    Nat,
    Partition,
    Scenario,
    Share,
    Workload,
)
from mesh99.simulations.scenario.schema import Population as Settings

MINUTE = Duration(60.0)


def _scenario(nodes: int, start: Any = "warm", duration: Duration = MINUTE, **parts: Any) -> Scenario:
    return Scenario(
        name="test",
        about="Made in a test.",
        duration=duration,
        population=Settings(nodes=nodes, start=start, profile="large"),
        **parts,
    )


def _ran(scenario: Scenario, seed: int = 7) -> HeapRun:
    run = HeapRun(scenario, seed)
    outcome = run.run(RunOptions())
    assert outcome.failures == (), f"{outcome.failures} {replay_line(outcome)}"
    return run


def test_a_warm_network_looks_up_right_at_once() -> None:
    run = _ran(_scenario(150, duration=Duration(30.0), workload=Workload(lookups_every=MINUTE)))
    lookups = run.measurements.lookups
    assert len(lookups) > 40
    assert lookups.success == 1.0
    assert run.joining.took_ms.tolist() == []
    assert all(host.joined for host in run.population.live)


def test_churn_keeps_the_network_whole_and_its_values_readable() -> None:
    lifetimes = Lifetimes(distribution="exponential", scale=Duration(200.0))
    scenario = _scenario(
        40,
        duration=Duration(100.0),
        churn=Churn(session=lifetimes, offline=lifetimes, new_identity=Share(0.3)),
        workload=Workload(
            lookups_every=Duration(15.0), keys=10, gets_every=MINUTE, value_ttl=Duration(600.0)
        ),
    )
    run = _ran(scenario)
    figures = run.run(RunOptions()).figures
    assert figures["departures"] > 8
    assert 20 < len(run.population.live) < 60
    assert figures["lookup_success"] > 0.9
    assert figures["gets"] > 20
    assert figures["get_success"] > 0.9
    assert _consistent(run.population)


def test_a_crowd_comes_in_its_time_and_joins() -> None:
    crowd = Arrival(at=Duration(10.0), over=Duration(10.0), share=Share(1.0))
    run = _ran(_scenario(30, arrival=(crowd,)))
    assert len(run.population.live) == 60
    assert all(host.joined for host in run.population.live)
    assert len(run.joining.took_ms) == 30
    curve = dict(run.run(RunOptions()).curves["population"])
    assert {up for at, up in curve.items() if at < 9.9} == {30}
    assert {up for at, up in curve.items() if at > 20.1} == {60}


def test_a_torn_network_heals() -> None:
    partition = Partition(at=Duration(10.0), lasts=Duration(20.0))
    scenario = _scenario(40, partition=(partition,), workload=Workload(lookups_every=Duration(5.0)))
    outcome = HeapRun(scenario, 3).run(RunOptions())
    success = outcome.curves["lookup_success"]
    torn = [share for at, share in success if 12 < at < 28]
    assert sum(torn) / len(torn) < 0.8
    assert outcome.figures["heal_s"] <= 20
    assert outcome.curves["heal"][-1][1] == 1.0


def test_nodes_are_clogged_one_after_the_other_and_the_network_gets_over_it() -> None:
    swizzle = Partition(at=Duration(10.0), lasts=Duration(30.0), kind="swizzle-clog", share=Share(0.25))
    scenario = _scenario(40, partition=(swizzle,), workload=Workload(lookups_every=Duration(5.0)))
    run = HeapRun(scenario, 3)
    held: list[int] = []

    def look() -> None:
        active = run.network.partitions.active
        passages = [run.network.partitions.passage(host.index, 0) for host in run.population.live]
        held.append(passages.count(Passage.HELD))
        assert active == bool(held[-1])

    for second in range(60):
        run.world.call_at(run.at_phase(second + 0.5), look)
    outcome = run.run(RunOptions())
    assert outcome.failures == ()
    assert held[9] == held[41] == 0
    assert max(held) == held[25] == 10
    assert 0 < held[13] < 10 > held[36] > 0, "neither all at once nor all let go at once"
    success = dict(outcome.curves["lookup_success"])
    middle = [share for at, share in success.items() if 20 < at < 30]
    assert sum(middle) / len(middle) < 0.9
    assert outcome.figures["heal_s"] <= 15
    assert not run.network.lost["partition"]


def test_behind_nats_newcomers_and_adversaries_meet_somebody_whom_they_can_call() -> None:
    nat = Nat(port_restricted=Share(0.5), symmetric=Share(0.4))
    liars = Adversary(kind="liar", count=5)
    for start in ("join", "warm"):
        run = HeapRun(_scenario(30, start=start, nat=nat, adversary=(liars,)), 4)
        outcome = run.run(RunOptions())
        assert outcome.failures == ()
        population, network = run.population, run.network
        behind = [host for host in population.live if network.box_of(host.index) is not None]
        assert len(behind) > 20
        assert all(host.honest for host in behind)
        assert all(network.box_of(index) is None for index in range(1, 4))
        assert all(host.joined for host in population.live)


def test_a_host_that_lost_everybody_joins_again() -> None:
    run = HeapRun(_scenario(12, duration=Duration(300.0)), 5)
    lonely = run.population.create()
    run.world.run_until(5.0)
    lonely.start()
    run.world.run_until(20.0)
    assert lonely.joined
    for contact in [entry.contact for entry in lonely.overlay.dht.table]:
        lonely.overlay.dht.table.failed(contact.node_id)
        lonely.overlay.dht.table.failed(contact.node_id)
    assert len(lonely.overlay.dht.table) == 0
    run.world.run_until(60.0)
    assert len(lonely.overlay.dht.table) >= 11


def test_a_host_comes_back_through_its_disk_when_nobody_tells_it_anything() -> None:
    run = HeapRun(_scenario(12, duration=Duration(300.0)), 5)
    run.world.run_until(70.0)
    host = run.population.live[0]
    run.population.introduce = lambda newcomer, contacts: []
    host.stop()
    run.world.run_until(80.0)
    host.start()
    fresh = run.population.start_new()
    run.world.run_until(100.0)
    assert host.joined
    assert not fresh.joined


@pytest.mark.slow
def test_a_run_may_be_taken_up_where_it_was_left() -> None:
    scenario = _scenario(20, start="join", workload=Workload(lookups_every=Duration(5.0)))
    whole = HeapRun(scenario, 9).run(RunOptions())
    run = HeapRun(scenario, 9)
    asked = 0

    def in_pieces() -> bool:
        nonlocal asked
        asked += 1
        return asked % 300 == 0

    outcome = run.run(RunOptions(stop=in_pieces))
    while outcome.interrupted:
        outcome = run.run(RunOptions(stop=in_pieces))
    assert asked > 2000
    assert outcome.digest == whole.digest
    machine = ("virtual_h_per_cpu_s",)
    assert [item for item in outcome.figures.items() if item[0] not in machine] == [
        item for item in whole.figures.items() if item[0] not in machine
    ]


def _consistent(population: Population) -> bool:
    """Compare the lists with what the hosts say of themselves."""
    up = [host for host in population.hosts.values() if host.up]
    places = all(population.live[host.place[0]] is host for host in up)
    nearest = population.nearest(bytes(32), len(population.hosts))
    joined = [host.identity.node_id for host in up if host.joined]
    return places and len(population.live) == len(up) and sorted(nearest) == sorted(joined)
