"""The model against what an earlier, independent model of the same kind gave: rounds, requests, dead nodes, colluders.

Those figures are of another lookup: it ends when the three nearest have answered, and has three requests in flight.
Here it runs by the same rules, with one delay for all, so that a round is a round trip.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from mesh99.simulations.model.rules import Conditions, LookupRules
from mesh99.simulations.model.sampling import NetworkModel, Sample
from mesh99.simulations.scenario.schema import Latency
from mesh99.simulations.scenario.units import Duration, Share

LOOKUPS = 600
ROUND_S = 0.1

IN_A_PROCESS = """
from mesh99.simulations.model.simulation import run
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.scenario.schema import Population, Scenario
outcome = run(Scenario(name="test", about="A test.", population=Population(nodes=500)), 7, RunOptions())
print(outcome.digest)
"""


@cache
def _sample(nodes: int, dead_share: float = 0.0, colluding: float = 0.0, **changes: Any) -> Sample:
    rules = LookupRules(count=3, parallelism_wide=3, slow_s=100.0, fail_s=1.0, timeout_s=100.0, **changes)
    latency = Latency(model="fixed", one_way=Duration(ROUND_S / 2), jitter=Share(0.0))
    conditions = Conditions(nodes=nodes, dead_share=dead_share, colluders=round(colluding * nodes))
    return NetworkModel(latency, conditions, rules, seed=1).look_up(LOOKUPS)


@pytest.mark.parametrize(
    ("nodes", "rounds", "requests"), [(10**3, 2.07, 6.2), (10**4, 2.68, 8.0), (10**5, 3.12, 9.4)]
)
def test_rounds_and_requests_grow_with_the_logarithm_of_the_network(
    nodes: int, rounds: float, requests: float
) -> None:
    sample = _sample(nodes)
    assert sample.right.mean() > 0.998
    assert (sample.took_s / ROUND_S).mean() == pytest.approx(rounds, rel=0.05)
    # There a round was three requests, needed or not.
    assert sample.requests.mean() == pytest.approx(requests, rel=0.12)


@pytest.mark.parametrize(("dead_share", "requests"), [(0.1, 8.7), (0.3, 10.3), (0.5, 13.2)])
def test_dead_contacts_cost_time_and_not_success(dead_share: float, requests: float) -> None:
    alive, sample = _sample(10**4), _sample(10**4, dead_share)
    assert sample.right.mean() > 0.995
    assert sample.requests.mean() == pytest.approx(requests, rel=0.2)
    assert sample.took_s.mean() > alive.took_s.mean() * (1 + 3 * dead_share)


@pytest.mark.parametrize(
    ("colluding", "paths", "found"),
    [(0.05, 1, 0.996), (0.1, 1, 0.973), (0.2, 1, 0.874), (0.2, 4, 0.986), (0.3, 1, 0.743), (0.3, 8, 0.978)],
)
def test_colluders_hide_the_nearest_node_from_one_path_and_hardly_from_several(
    colluding: float, paths: int, found: float
) -> None:
    sample = _sample(10**4, colluding=colluding, paths=paths)
    assert sample.right.mean() == pytest.approx(found, abs=0.08)


def test_more_paths_and_fewer_colluders_help_in_every_step() -> None:
    by_paths = [_sample(10**4, colluding=0.3, paths=paths).right.mean() for paths in (1, 2, 4)]
    assert by_paths == sorted(by_paths)
    assert by_paths[0] < 0.9 < by_paths[-1]
    by_share = [_sample(10**4, colluding=share).right.mean() for share in (0.1, 0.2, 0.3, 0.5)]
    assert by_share == sorted(by_share, reverse=True)
    assert by_share[-1] < 0.65


def test_a_seed_fixes_every_result_in_any_process() -> None:
    digests = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", IN_A_PROCESS]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        digests.append(done.stdout)
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64


@pytest.mark.slow
def test_a_million_nodes() -> None:
    sample = _sample(10**6)
    assert (sample.took_s / ROUND_S).mean() == pytest.approx(3.67, rel=0.05)
    assert sample.right.mean() > 0.998
