"""Faults strike whom they should, fault points fire as the seed says, and the network gets over all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from staged import QUIET, READING, run_of, small

from mesh99.simulations.faults.fault import Fault as Struck
from mesh99.simulations.faults.inject import Inject
from mesh99.simulations.faults.registry_down import RegistryDown
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.host import Host
from mesh99.simulations.outcome import Outcome
from mesh99.simulations.scenario.fault_times import batches
from mesh99.simulations.scenario.schema import Adversary, Arrival, Checks, Fault, Scenario, Workload
from mesh99.wire import fault_points
from mesh99.wire.errors import ConfigError
from mesh99.wire.fault_points import POINTS


@pytest.fixture(autouse=True)
def _off() -> Iterator[None]:
    yield
    fault_points.end()


def _fault(kind: str, **settings: Any) -> Fault:
    return Fault(kind=kind, **settings)  # type: ignore[arg-type]


def _run(scenario: Scenario, **more: Any) -> tuple[HeapRun, Outcome]:
    run, outcome = run_of(scenario, **more)
    assert outcome.failures == ()
    return run, outcome


def _first(run: HeapRun) -> Struck:
    return run.faults[0]


def test_a_crash_takes_a_share_of_the_nodes_and_without_an_end_they_stay_away() -> None:
    run, _ = _run(small(fault=(_fault("crash", at=2.0, share=0.25),)))
    assert _first(run).struck == 4
    assert len(run.population.honest_live) == 12


def test_a_rolling_restart_takes_each_node_once_and_all_come_back() -> None:
    rolling = _fault("restart", at=1.0, share=1.0, batch=0.25, every=4.0, lasts=2.0)
    run, outcome = _run(small(fault=(rolling,)))
    assert _first(run).struck == 16
    assert len(run.population.honest_live) == 16
    assert all(host.session == 2 for host in run.population.honest_live)
    assert outcome.figures["get_success"] > 0.9


def test_in_a_small_network_a_small_share_is_one_node_and_no_more_than_the_whole_share() -> None:
    rolling = _fault("restart", at=1.0, share=0.2, batch=0.04, every=3.0, lasts=5.0)
    run, _ = _run(small(nodes=10, fault=(rolling,)))
    assert _first(run).struck == 2
    liar = Adversary(kind="liar", share=0.02)  # type: ignore[arg-type]
    nobody = _fault("crash", share=0.0)
    run, _ = _run(small(nodes=8, fault=(nobody,), adversary=(liar,)))
    assert sum(not host.honest for host in run.population.live) == 1
    assert _first(run).struck == 0


def test_nodes_that_are_down_meanwhile_count_for_a_rolling_restart() -> None:
    rolling = _fault("restart", at=1.0, share=1.0, batch=0.25, every=2.0, lasts=7.0)
    run, _ = _run(small(fault=(rolling,), workload=QUIET))
    assert _first(run).struck == 16
    assert [host.session for host in run.population.hosts.values()] == [2] * 16


def test_a_lost_disk_has_no_contacts_and_a_kept_one_has() -> None:
    def saved_at_start(kind: str) -> list[int]:
        found: list[int] = []

        def came_up(host: Host) -> None:
            if host.session == 2:
                found.append(len(host.saved_contacts()))

        fault = _fault(kind, at=5.0, share=0.25, lasts=2.0)
        _run(small(workload=QUIET, fault=(fault,)), before=lambda run: run.population.on_up.append(came_up))
        return found

    assert saved_at_start("disk-loss") == [0] * 4
    assert all(saved_at_start("restart"))


def test_a_starved_node_answers_late_and_is_well_again() -> None:
    slow = _fault("slow", at=0.0, lasts=12.0, share=0.25, size=3.0)
    run, starved = _run(small(fault=(slow,)))
    _, rested = _run(small())
    assert starved.figures["lookup_p99_ms"] > rested.figures["lookup_p99_ms"]
    assert all(host.pump.overlay is host.overlay for host in run.population.live)


def test_clocks_go_wrong_and_right_again() -> None:
    drift = _fault("clock-drift", at=0.0, share=0.5, size=36.0)
    jump = _fault("clock-jump", at=1.0, share=0.5, size=3600.0, lasts=10.0)
    run, outcome = _run(small(fault=(drift, jump)))
    rates = [host.clock.rate for host in run.population.live]
    assert sum(rate != 1.0 for rate in rates) == 8
    assert max(abs(rate - 1.0) for rate in rates) == pytest.approx(0.01, rel=0.02)
    assert all(host.clock.unix_offset_s == 0.0 for host in run.population.live)
    assert outcome.figures["lookup_success"] == outcome.figures["get_success"] == 1.0


def test_without_a_registry_who_is_new_waits_and_who_remembers_does_not() -> None:
    down = _fault("registry-down", at=2.0, lasts=10.0)
    told: list[bool] = []

    def listen(run: HeapRun) -> None:
        (outage,) = (fault for fault in run.faults if isinstance(fault, RegistryDown))
        outage.on_change.append(told.append)

    restart = _fault("restart", at=4.0, share=0.25, lasts=1.0)
    crowd = Arrival(at=3.0, over=1.0, share=0.25)  # type: ignore[arg-type]
    scenario = small(duration=60.0, fault=(down, restart), arrival=(crowd,), workload=QUIET)
    run, outcome = _run(scenario, before=listen)
    (outage,) = (fault for fault in run.faults if isinstance(fault, RegistryDown))
    assert told == [True, False]
    assert outage.refused >= 8
    assert all(host.joined for host in run.population.honest_live)
    assert len(run.population.honest_live) == 20
    assert outcome.figures["joined"] >= 20


@pytest.mark.parametrize("point", [point for point in POINTS if point != "overlay.expire-cookie"])
def test_a_fault_point_fires_and_the_network_gets_over_it(point: str) -> None:
    probability = 1.0 if point == "disk.lose-file" else 0.1
    inject = _fault("inject", share=1.0, lasts=10.0, point=point, probability=probability)
    restart = _fault("restart", at=2.0, share=0.25, lasts=1.0)
    workload = Workload(lookups_every=5.0, gets_every=5.0, keys=8, value_ttl=12.0)  # type: ignore[arg-type]
    run, outcome = _run(small(nodes=12, fault=(inject, restart), workload=workload))
    (armed,) = (fault for fault in run.faults if isinstance(fault, Inject))
    assert armed.plan.fired[point] > 0
    assert not fault_points.active, "it ended"
    assert outcome.figures["lookup_success"] > 0.8


def test_a_cookie_that_expires_early_is_asked_for_again() -> None:
    point = "overlay.expire-cookie"
    inject = _fault("inject", share=1.0, point=point, probability=0.5)
    slow = Adversary(kind="slow-loris", count=3)
    run, outcome = _run(small(duration=5.0, settle=2.0, fault=(inject,), adversary=(slow,)))
    (armed,) = (fault for fault in run.faults if isinstance(fault, Inject))
    assert armed.plan.fired[point] > 10
    assert outcome.figures["lookup_success"] > 0.8


def test_a_seed_fixes_what_fires_and_a_point_that_is_off_is_never_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inject = _fault("inject", share=0.5, point="dht.drop-reply", probability=0.1)
    scenario = small(nodes=8, duration=10.0, fault=(inject,))
    (_, first), (_, again) = _run(scenario), _run(scenario)
    assert first.digest == again.digest
    fault_points.end()

    def asked(*_: object) -> bool:
        raise AssertionError("asked while off")

    monkeypatch.setattr(fault_points, "fires", asked)
    _, plain = _run(small(nodes=8, duration=10.0))
    _, other = _run(small(nodes=8, duration=10.0))
    assert plain.digest == other.digest != first.digest


def test_points_of_two_nodes_do_not_shift_each_other() -> None:
    def fired(share: float) -> dict[str, int]:
        inject = _fault("inject", share=share, point="pump.early-timer", probability=0.5)
        run, _ = _run(small(nodes=8, duration=10.0, fault=(inject,)))
        (armed,) = (fault for fault in run.faults if isinstance(fault, Inject))
        return armed.plan.fired

    assert fired(0.5)["pump.early-timer"] < fired(1.0)["pump.early-timer"]


def test_an_unknown_point_is_named() -> None:
    with pytest.raises(ConfigError):
        HeapRun(small(fault=(_fault("inject", point="no.such"),)), 1)


def test_faults_everywhere_then_the_network_converges() -> None:
    faults = (
        _fault("slow", at=5.0, lasts=30.0, share=0.2, size=4.0),
        _fault("crash", at=10.0, lasts=20.0, share=0.2),
        _fault("inject", at=5.0, lasts=30.0, share=1.0, point="dht.drop-reply", probability=0.1),
        _fault("inject", at=5.0, lasts=30.0, share=1.0, point="overlay.forget-line", probability=0.02),
    )
    checks = Checks(every=2.0, converge_within=30.0)  # type: ignore[arg-type]
    run, outcome = _run(small(duration=120.0, fault=faults, checks=checks, workload=READING))
    (converged,) = (check for check in run.checks if check.name == "converged")
    assert converged.success >= 0.95  # type: ignore[attr-defined]
    assert outcome.figures["lookups"] > 100


def test_batches_add_up_to_the_share() -> None:
    assert batches(_fault("restart", share=0.5)) == [0.5]
    assert batches(_fault("restart", share=0.5, batch=0.2)) == pytest.approx([0.2, 0.2, 0.1])
    assert batches(_fault("restart", share=1.0, batch=0.1)) == pytest.approx([0.1] * 10)
