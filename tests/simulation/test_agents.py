"""Whole nodes in tier T2: handlers, registry, churn and faults; the same bytes in every process; the stock library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from msgspec import structs

from mesh99.simulations.agents.baseline import with_baseline
from mesh99.simulations.agents.simulation import AgentsRun, run
from mesh99.simulations.outcome import Outcome, Progress, RunOptions
from mesh99.simulations.scenario.reading import parse
from mesh99.simulations.scenario.schema import Adversary, Scenario
from mesh99.simulations.scenario.units import Duration, Share
from mesh99.wire.errors import ConfigError

QUIET = """
name = "agents-quiet"
about = "Agents that ask each other."
tier = "agents"
duration = "60s"

[population]
nodes = 12

[workload]
lookups_every = "20s"
gets_every = "20s"
keys = 6
requests_every = "10s"
"""

ROUGH = (
    QUIET.replace("quiet", "rough").replace("nodes = 12", "nodes = 10")
    + """
[[fault]]
kind = "registry-down"
at = "5s"
lasts = "30s"

[[fault]]
kind = "restart"
at = "10s"
share = "40%"
batch = "20%"
every = "10s"
lasts = "3s"

[[fault]]
kind = "crash"
at = "15s"
share = "20%"
lasts = "10s"

[[partition]]
at = "40s"
lasts = "5s"
share = "25%"

[[arrival]]
at = "45s"
over = "5s"
share = 0.25
"""
)

TORN = (
    QUIET.replace("quiet", "torn").replace('"60s"', '"90s"')
    + """
[[fault]]
kind = "registry-down"

[[partition]]
at = "10s"
lasts = "40s"
share = "50%"
"""
)

IN_A_PROCESS = """
import json, sys
from mesh99.simulations.agents.simulation import run
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.scenario.reading import parse
outcome = run(parse(sys.argv[1], "test"), 7, RunOptions())
print(json.dumps([outcome.digest, outcome.events_digest, len(outcome.failures)]))
"""


def quiet() -> Scenario:
    return parse(QUIET, "test")


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """What becomes of the quiet scenario."""
    return run(quiet(), 7, RunOptions())


def test_agents_join_find_and_answer_each_other(outcome: Outcome) -> None:
    figures = outcome.figures
    assert outcome.failures == (), outcome.failures
    assert figures["joined"] == 12
    assert figures["requests"] >= 40
    assert figures["request_success"] == figures["lookup_success"] == figures["get_success"] == 1.0, figures
    assert figures["registry_calls"] >= 24, "each registers, and asks for nodes"
    assert outcome.curves["population"][-1][1] == 12


@pytest.mark.timeout(120)
def test_a_seed_fixes_every_byte_of_whole_nodes_in_any_process() -> None:
    def in_a_process(hash_seed: str) -> list[object]:
        command = [sys.executable, "-c", IN_A_PROCESS, ROUGH]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=110, check=False
        )
        assert done.returncode == 0, done.stderr
        found: list[object] = json.loads(done.stdout)
        return found

    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.map(in_a_process, ["1", "2"])
    assert first == second
    assert first[2] == 0, "no invariant was broken"


def test_the_cipher_suite_changes_no_event() -> None:
    short = structs.replace(quiet(), duration=Duration(10.0))
    simulated, real = (run(short, 3, RunOptions(crypto=crypto)) for crypto in ("simulated", "real"))
    assert simulated.events_digest == real.events_digest
    assert simulated.digest != real.digest


def test_the_stock_library_runs_beside_ours_and_is_the_same_twice(outcome: Outcome) -> None:
    first, second = (with_baseline(outcome, RunOptions()) for _ in range(2))
    assert first.figures == second.figures
    names = (
        "lookup_success",
        "lookup_p50_ms",
        "lookup_p99_ms",
        "get_success",
        "get_p50_ms",
        "bytes_per_node_per_s",
    )
    figures = {name: first.figures[f"baseline_{name}"] for name in names}
    assert figures["lookup_success"] == figures["get_success"] == 1.0
    assert figures["bytes_per_node_per_s"] > 0
    assert {
        name: figure for name, figure in first.figures.items() if name in outcome.figures
    } == outcome.figures
    assert first.digest == outcome.digest


def test_a_registry_that_knows_nobody_stops_newcomers_and_nobody_else() -> None:
    short = structs.replace(quiet(), duration=Duration(20.0))
    lying = Adversary(kind="lying-registry", share=Share(1.0))
    from_the_start = AgentsRun(structs.replace(short, adversary=(lying,)), 7).run(RunOptions())
    assert from_the_start.figures["joined"] == 0
    later = structs.replace(lying, at=Duration(0.001))
    meanwhile = AgentsRun(structs.replace(short, adversary=(later,)), 7).run(RunOptions())
    assert meanwhile.figures["joined"] == 12
    assert meanwhile.figures["request_success"] == 1.0


def test_agents_of_a_torn_network_find_each_other_again_without_a_registry() -> None:
    run = AgentsRun(parse(TORN, "test"), 7)
    outcome = run.run(RunOptions())
    assert outcome.failures == (), outcome.failures
    begins_s, heals_s = run.at_phase(10.0), run.at_phase(50.0)
    for operations in (run.workload.requests, run.measurements.lookups):
        by_time = list(zip(operations.began_s, operations.right, strict=True))
        torn = [right for at, right in by_time if begins_s + 5 < at < heals_s - 5]
        healed = [right for at, right in by_time if at > heals_s + 10]
        assert len(torn) > 5 < len(healed)
        assert sum(torn) / len(torn) < 0.9
        assert all(healed)


def test_an_adversary_of_another_tier_is_named() -> None:
    with pytest.raises(ConfigError, match="sybil"):
        AgentsRun(structs.replace(quiet(), adversary=(Adversary(kind="sybil", count=1),)), 7)


def test_a_run_tells_its_progress_and_ends_when_it_is_told_to() -> None:
    told: list[Progress] = []
    options = RunOptions(on_progress=told.append, stop=lambda: len(told) >= 30)
    outcome = run(quiet(), 7, options)
    assert outcome.interrupted
    assert [progress.virtual_s for progress in told] == sorted({progress.virtual_s for progress in told})
    assert outcome.figures["virtual_s"] == round(told[-1].virtual_s, 3) < told[-1].total_s
    assert with_baseline(replace(outcome), RunOptions()) == outcome
