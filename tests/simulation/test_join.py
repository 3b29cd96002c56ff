"""The scenario `join`: everybody joins, every lookup finds the nearest node, and a seed fixes every byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mesh99.simulations import run_scenario
from mesh99.simulations.outcome import Outcome, Progress, RunOptions
from mesh99.simulations.run import replay_line

HALF_A_MINUTE = 0.5 / 60

IN_A_PROCESS = """
import json, sys
from mesh99.simulations import run_scenario
outcome = run_scenario(sys.argv[1], nodes=int(sys.argv[2]), hours=float(sys.argv[3]), seed=int(sys.argv[4]))
print(json.dumps([outcome.digest, outcome.events_digest]))
"""


def _digests_in_a_process(scenario: str, nodes: int, seed: int, hash_seed: str, folder: Path) -> list[str]:
    command = [sys.executable, "-c", IN_A_PROCESS, scenario, str(nodes), str(HALF_A_MINUTE), str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    digests: list[str] = json.loads(done.stdout)
    return digests


def _told(outcome: Outcome) -> str:
    return f"{outcome.figures} {outcome.failures}\n{replay_line(outcome)}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_everybody_joins_and_every_lookup_finds_the_nearest_node() -> None:
    outcome = run_scenario("join", nodes=100, seed=7, hours=HALF_A_MINUTE)
    figures = outcome.figures
    assert outcome.passed, _told(outcome)
    assert figures["joined"] == 100, _told(outcome)
    assert figures["lookups"] >= 50, _told(outcome)
    assert figures["lookup_success"] == 1.0, _told(outcome)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("scenario", "nodes"), [("join", 20), ("churn", 30)])
def test_a_seed_fixes_every_byte_in_any_process(scenario: str, nodes: int, tmp_path: Path) -> None:
    here = run_scenario(scenario, nodes=nodes, hours=HALF_A_MINUTE, seed=7)
    with ThreadPoolExecutor(max_workers=2) as pool:
        cases = [(scenario, nodes, seed, hash_seed, tmp_path) for seed, hash_seed in ((7, "1"), (8, "2"))]
        same, other_seed = pool.map(lambda case: _digests_in_a_process(*case), cases)
    assert same == [here.digest, here.events_digest], _told(here)
    assert other_seed[0] != here.digest


def test_the_real_cipher_suite_changes_the_bytes_and_not_the_events() -> None:
    simulated = run_scenario("join", nodes=12, hours=HALF_A_MINUTE, seed=3)
    real = run_scenario("join", nodes=12, hours=HALF_A_MINUTE, seed=3, crypto="real")
    assert real.events_digest == simulated.events_digest
    assert real.digest != simulated.digest
    assert real.figures["lookup_p50_ms"] == simulated.figures["lookup_p50_ms"]


def test_progress_is_told_and_ends_at_the_end() -> None:
    told: list[Progress] = []
    outcome = run_scenario("join", nodes=5, seed=1, options=RunOptions(on_progress=told.append))
    times = [progress.virtual_s for progress in told]
    assert times == sorted(times)
    assert len(times) >= 200
    assert told[-1].virtual_s == told[-1].total_s == outcome.figures["virtual_s"]
    assert told[-1].operations == outcome.figures["lookups"]
    assert told[-1].population == 5


def test_a_run_that_is_ended_gives_what_was_measured_until_then() -> None:
    told: list[Progress] = []
    halfway = RunOptions(
        on_progress=told.append, stop=lambda: bool(told) and told[-1].virtual_s > told[-1].total_s / 2
    )
    part = run_scenario("join", nodes=12, seed=1, options=halfway)
    whole = run_scenario("join", nodes=12, seed=1)
    assert part.interrupted
    assert not whole.interrupted
    assert 0 < part.figures["lookups"] < whole.figures["lookups"]
    assert part.figures["virtual_s"] < 0.6 * whole.figures["virtual_s"]
    assert part.digest != whole.digest
