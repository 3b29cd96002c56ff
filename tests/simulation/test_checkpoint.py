"""A run that is interrupted, put aside and taken up in another process comes to the same end as one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from mesh99.simulations.checkpoint import checkpoint
from mesh99.simulations.outcome import Outcome, RunOptions
from mesh99.simulations.replay.diff import first_difference
from mesh99.simulations.report.document import outcome_of
from mesh99.simulations.run import resume, run_outcome
from mesh99.simulations.scenario.schema import (
    Adversary,
    Checks,
    Churn,
    Fault,
    Lifetimes,
    Nat,
    Partition,
    Population,
    Scenario,
    Workload,
)
from mesh99.simulations.scenario.units import Duration, Share

EVERYTHING = Scenario(
    name="everything",
    about="All that a run can have, on a few nodes.",
    duration=Duration(40.0),
    settle=Duration(5.0),
    population=Population(nodes=12, publishers=Share(0.3)),
    nat=Nat(port_restricted=Share(0.2), symmetric=Share(0.1)),
    churn=Churn(session=Lifetimes(scale=Duration(60.0)), offline=Lifetimes(scale=Duration(30.0))),
    partition=(Partition(at=Duration(20.0), lasts=Duration(20.0), kind="clog"),),
    fault=(
        Fault(kind="inject", point="overlay.forget-line", probability=Share(0.01), share=Share(0.5)),
        Fault(kind="restart", at=Duration(5.0), lasts=Duration(30.0)),
    ),
    adversary=(Adversary(kind="liar", count=1), Adversary(kind="slow-loris", count=1)),
    workload=Workload(lookups_every=Duration(10.0), gets_every=Duration(10.0), keys=5),
    checks=Checks(stop_at_first=False),
)

QUICK = structs.replace(
    EVERYTHING,
    duration=Duration(15.0),
    population=Population(nodes=8),
    nat=None,
    partition=(),
    fault=(),
    adversary=(),
)

OF_THE_MACHINE = ("wall_s", "peak_rss_mb", "virtual_h_per_cpu_s")

IN_ANOTHER_PROCESS = """
import json, sys
from pathlib import Path
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.run import resume
print(json.dumps(resume(Path(sys.argv[1]), RunOptions()).document()))
"""


def _after(slices: int) -> Callable[[], bool]:
    asked = iter(range(slices + 1))
    return lambda: next(asked, None) is None


def _interrupted(
    scenario: Scenario, path: Path, crypto: str, trace: Path | None = None, slices: int = 1200
) -> Outcome:
    """Run six tenths of a scenario and put it aside."""
    options = RunOptions(crypto=crypto, stop=_after(slices), checkpoint=path, trace=trace)
    outcome = run_outcome(scenario, 7, options)
    assert outcome.interrupted
    return outcome


def _resume_elsewhere(path: Path) -> Outcome:
    environment = {**os.environ, "PYTHONHASHSEED": "99"}
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return outcome_of(json.loads(done.stdout))


def _figures(outcome: Outcome) -> dict[str, float]:
    return {name: value for name, value in outcome.figures.items() if name not in OF_THE_MACHINE}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("crypto", ["simulated", "real"])
def test_interrupted_and_resumed_is_the_same_as_never_interrupted(tmp_path: Path, crypto: str) -> None:
    scenario = EVERYTHING if crypto == "simulated" else QUICK
    whole = run_outcome(scenario, 7, RunOptions(crypto=crypto))
    part = _interrupted(scenario, tmp_path / "run.checkpoint", crypto)
    assert part.digest != whole.digest
    assert part.figures["packets"] < whole.figures["packets"]
    resumed = _resume_elsewhere(tmp_path / "run.checkpoint")
    assert not resumed.interrupted
    assert resumed.crypto == crypto
    assert (resumed.digest, resumed.events_digest) == (whole.digest, whole.events_digest)
    assert _figures(resumed) == pytest.approx(_figures(whole), nan_ok=True, rel=1e-12)
    assert resumed.failures == whole.failures == ()


@pytest.mark.timeout(100)
def test_a_trace_goes_on_where_it_stood(tmp_path: Path) -> None:
    run_outcome(QUICK, 7, RunOptions(trace=tmp_path / "whole"))
    _interrupted(QUICK, tmp_path / "run.checkpoint", "simulated", trace=tmp_path / "parts")
    assert not first_difference(tmp_path / "whole", tmp_path / "parts").same
    assert not resume(tmp_path / "run.checkpoint", RunOptions()).interrupted
    difference = first_difference(tmp_path / "whole", tmp_path / "parts")
    assert difference.same, "\n".join(difference.lines())
    assert difference.notes == ()
    assert difference.records > 500


@pytest.mark.timeout(100)
def test_a_resumed_run_can_be_interrupted_again(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    whole = run_outcome(QUICK, 7, RunOptions())
    _interrupted(QUICK, path, "simulated", slices=400)
    first = checkpoint.header_of(path).virtual_s
    assert resume(path, RunOptions(stop=_after(800), checkpoint=path)).interrupted
    assert checkpoint.header_of(path).virtual_s == pytest.approx(3 * first, rel=0.01)
    assert resume(path, RunOptions()).digest == whole.digest


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_thousand_nodes_can_be_put_aside(tmp_path: Path) -> None:
    large = Scenario(
        name="large",
        about="Many nodes.",
        duration=Duration(10.0),
        settle=Duration(5.0),
        population=Population(nodes=2000, start="warm", profile="large"),
        workload=Workload(lookups_every=Duration(60.0)),
    )
    whole = run_outcome(large, 7, RunOptions())
    _interrupted(large, tmp_path / "run.checkpoint", "simulated")
    assert _resume_elsewhere(tmp_path / "run.checkpoint").digest == whole.digest
