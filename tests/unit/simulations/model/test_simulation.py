"""A run of the model: figures, curves, the digest, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.simulations.model import sampling
from mesh99.simulations.model.simulation import LOOKUPS_MAX, lookups_of, run
from mesh99.simulations.outcome import Outcome, Progress, RunOptions
from mesh99.simulations.scenario.schema import LOOKUP_COUNT, Adversary, Population, Scenario, Workload
from mesh99.simulations.scenario.units import Duration, Share


def _scenario(nodes: int, **parts: Any) -> Scenario:
    return Scenario(name="test", about="A test.", tier="model", population=Population(nodes=nodes), **parts)


def _run(nodes: int, seed: int = 1, **parts: Any) -> Outcome:
    return run(_scenario(nodes, **parts), seed, RunOptions())


def test_a_seed_fixes_every_result() -> None:
    assert _run(60).digest == _run(60).digest
    assert _run(60).figures == _run(60).figures
    assert _run(60).digest != _run(60, seed=2).digest


def test_every_lookup_of_a_whole_network_is_right() -> None:
    figures = _run(100).figures
    assert figures["lookups"] == 300
    assert figures["lookup_success"] == 1.0
    assert figures["lookup_p50_ms"] < figures["lookup_p99_ms"]
    assert figures["rpcs_per_lookup"] >= LOOKUP_COUNT


@pytest.mark.parametrize("nodes", [2, 3, 20])
def test_in_a_small_network_the_nearest_are_known_and_asked_once(nodes: int) -> None:
    figures = _run(nodes).figures
    assert figures["lookup_success"] == 1.0
    assert figures["hops_mean"] == 1.0
    # Now and then nobody answers for a while, and one more is asked.
    assert min(nodes - 1, LOOKUP_COUNT) <= figures["rpcs_per_lookup"] <= min(nodes - 1, LOOKUP_COUNT + 1)


def test_colluders_are_nodes_more_and_hide_some_of_the_honest() -> None:
    def success(share: float) -> float:
        return _run(2000, adversary=(Adversary(kind="sybil", share=Share(share)),)).figures["lookup_success"]

    assert 0.3 < success(1.0) < success(0.2) < 1.0


def test_the_latency_curve_rises_to_one() -> None:
    curve = _run(60).curves["latency_cdf"]
    assert list(curve) == sorted(curve)
    assert curve[-1][1] == 1.0


def test_hops_against_nodes_when_asked() -> None:
    outcome = run(_scenario(60, duration=Duration(2.0)), 1, RunOptions(), sizes=(30, 3000))
    (small, few), (large, more) = outcome.curves["hops"]
    assert (small, large) == (30.0, 3000.0)
    assert few < more


def test_the_sample_is_bounded() -> None:
    assert lookups_of(_scenario(10**6)) == LOOKUPS_MAX
    assert lookups_of(_scenario(10, workload=Workload(lookups_every=None))) == 0


def test_without_lookups_there_is_nothing_to_tell() -> None:
    outcome = _run(10, workload=Workload(lookups_every=None))
    assert outcome.figures["lookups"] == 0
    assert "lookup_success" not in outcome.figures
    assert not outcome.interrupted


def test_progress_is_told_and_a_stop_ends_the_run_with_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "BATCH", 50)
    told: list[Progress] = []
    options = RunOptions(on_progress=told.append, stop=lambda: len(told) == 1)
    outcome = run(_scenario(100), 1, options)
    assert outcome.interrupted
    assert outcome.figures["lookups"] == told[-1].operations == 50
    assert 0 < told[-1].virtual_s < told[-1].total_s
