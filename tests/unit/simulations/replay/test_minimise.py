"""The search for a smaller failing scenario, on failures made up: what it gives still fails, and is minimal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh99.simulations.outcome import Failure
from mesh99.simulations.replay.minimise import ShrinkLimits, ShrinkProgress, Shrunk, minimise
from mesh99.simulations.replay.reductions import DIMENSIONS, fewer_nodes, steps
from mesh99.simulations.scenario.schema import (
    Adversary,
    Arrival,
    Checks,
    Churn,
    Fault,
    Nat,
    Partition,
    Population,
    Scenario,
    Workload,
)
from mesh99.simulations.scenario.units import Duration, Share

FAILURE = Failure(check="made-up", at_s=520.0, event=0, node=None, message="it fails")

LARGE = Scenario(
    name="large",
    about="Everything at once.",
    duration=Duration(3600.0),
    population=Population(nodes=200, publishers=Share(0.5)),
    nat=Nat(symmetric=Share(0.3)),
    churn=Churn(),
    arrival=(Arrival(at=Duration(10.0)),),
    partition=(
        Partition(at=Duration(20.0), lasts=Duration(60.0)),
        Partition(at=Duration(900.0), lasts=Duration(60.0)),
    ),
    fault=(
        Fault(kind="crash"),
        Fault(kind="slow"),
        Fault(kind="restart", lasts=Duration(30.0)),
    ),
    adversary=(Adversary(kind="sybil", share=Share(0.2)), Adversary(kind="liar", count=3)),
    workload=Workload(gets_every=Duration(60.0), keys=10),
    checks=Checks(converge_within=Duration(600.0)),
    expect={"lookup_success": ">= 0.99"},
)

Needs = Callable[[Scenario, int], bool]


def _minimise(needs: Needs, limits: ShrinkLimits | None = None, scenario: Scenario = LARGE) -> Shrunk:
    return minimise(scenario, 7, FAILURE, lambda *run: FAILURE if needs(*run) else None, limits)


def _kinds(scenario: Scenario) -> list[str]:
    return [entry.kind for entry in (*scenario.fault, *scenario.adversary)]


def test_what_the_failure_needs_stays_and_the_rest_goes() -> None:
    def needs(scenario: Scenario, seed: int) -> bool:
        enough = scenario.population.nodes >= 6 and scenario.duration >= 45
        return enough and "restart" in _kinds(scenario) and scenario.churn is not None

    shrunk = _minimise(needs)
    small = shrunk.scenario
    assert shrunk.minimal
    assert (small.population.nodes, float(small.settle)) == (6, 0.0)
    assert 45 <= small.duration < 51, "nine tenths of it would not be enough"
    assert _kinds(small) == ["restart"]
    assert small.churn is not None
    assert (small.partition, small.arrival, small.nat, small.expect) == ((), (), None, {})
    assert small.workload.lookups_every is None
    assert small.latency.model == "fixed"
    assert small.links.loss == 0
    assert shrunk.seed == 7


@settings(max_examples=15)
@given(
    nodes=st.integers(2, 60),
    seconds=st.floats(1, 3000),
    kinds=st.frozensets(st.sampled_from(_kinds(LARGE)), max_size=3),
    partition=st.booleans(),
    nat=st.booleans(),
    keys=st.integers(0, 10),
    luck=st.integers(1, 3),
)
def test_the_result_fails_and_no_single_step_from_it_does(
    nodes: int, seconds: float, kinds: frozenset[str], partition: bool, nat: bool, keys: int, luck: int
) -> None:
    def needs(scenario: Scenario, seed: int) -> bool:
        return (
            scenario.population.nodes >= nodes
            and scenario.duration >= seconds
            and kinds <= frozenset(_kinds(scenario))
            and (bool(scenario.partition) or not partition)
            and (scenario.nat is not None or not nat)
            and scenario.workload.keys >= keys
            and (seed == 7 or seed % luck == 0)
        )

    shrunk = _minimise(needs, ShrinkLimits(runs_max=100_000))
    assert shrunk.minimal
    assert needs(shrunk.scenario, shrunk.seed)
    smaller = [step for dimension in DIMENSIONS for step in steps(dimension, shrunk.scenario, shrunk.failure)]
    assert [step.text for step in smaller if needs(step.scenario, shrunk.seed)] == []


def test_another_seed_is_tried_where_runs_are_cheap() -> None:
    lucky = {(nodes, 3) for nodes in range(4, 20)}

    def needs(scenario: Scenario, seed: int) -> bool:
        nodes = scenario.population.nodes
        return nodes >= 50 if seed == 7 else (nodes, seed) in lucky

    shrunk = _minimise(needs, scenario=Scenario(name="s", about="s", population=Population(nodes=80)))
    assert (shrunk.scenario.population.nodes, shrunk.seed) == (54, 7)
    shrunk = _minimise(
        lambda scenario, seed: needs(scenario, seed) or (seed == 7 and scenario.population.nodes >= 15),
        scenario=Scenario(name="s", about="s", population=Population(nodes=80)),
    )
    assert (shrunk.scenario.population.nodes, shrunk.seed) == (4, 3)


def test_the_number_of_runs_is_bounded_and_what_was_found_is_given() -> None:
    runs: list[int] = []

    def needs(scenario: Scenario, seed: int) -> bool:
        runs.append(seed)
        return scenario.population.nodes >= 4

    shrunk = _minimise(needs, ShrinkLimits(runs_max=5))
    assert len(runs) == shrunk.runs == 5
    assert not shrunk.minimal
    assert shrunk.scenario.population.nodes < 200


def test_it_can_be_stopped() -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 3

    shrunk = minimise(LARGE, 7, FAILURE, lambda *run: FAILURE, stop=stop)
    assert shrunk.runs == 3
    assert not shrunk.minimal


def test_nothing_is_run_twice() -> None:
    seen: set[tuple[str, int]] = set()

    def needs(scenario: Scenario, seed: int) -> bool:
        key = (repr(scenario), seed)
        assert key not in seen
        seen.add(key)
        return scenario.population.nodes >= 11 and bool(scenario.fault)

    assert _minimise(needs).minimal


def test_progress_is_told_after_every_run() -> None:
    told: list[ShrinkProgress] = []
    shrunk = minimise(
        LARGE,
        7,
        FAILURE,
        lambda scenario, seed: FAILURE if scenario.population.nodes >= 3 else None,
        on_progress=told.append,
    )
    assert [progress.runs for progress in told] == list(range(1, shrunk.runs + 1))
    assert [progress.trying for progress in told if progress.failed] == list(shrunk.taken)
    assert told[-1].nodes == 3


def test_only_possible_scenarios_are_steps() -> None:
    tiny = Scenario(name="s", about="s", population=Population(nodes=2))
    assert list(steps(fewer_nodes, tiny, FAILURE)) == []
    late = [step.scenario for step in steps(DIMENSIONS[1], LARGE, FAILURE)]
    assert [float(scenario.duration) for scenario in late] == [481.0]
    assert [float(partition.at) for partition in late[0].partition] == [20.0]
    assert late[0].checks.converge_within == 481.0


@pytest.mark.parametrize("nodes", [2, 3, 21, 40, 41, 1000])
def test_every_step_has_fewer_nodes(nodes: int) -> None:
    scenario = Scenario(name="s", about="s", population=Population(nodes=nodes))
    counts = [step.scenario.population.nodes for step in steps(fewer_nodes, scenario, FAILURE)]
    assert all(2 <= count < nodes for count in counts)
    assert bool(counts) == (nodes > 2)
