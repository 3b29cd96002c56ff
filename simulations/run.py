"""Run a scenario in its tier: the figures, the digests, what failed, and the line that repeats the run."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ..wire.errors import ConfigError
from .checkpoint import checkpoint
from .code_version import code_version
from .outcome import Failure, Outcome, RunOptions
from .scenario.catalog import load, shipped
from .scenario.changes import with_changes
from .scenario.expectations import UNMEASURED, Expectation
from .scenario.run_line import run_line
from .scenario.schema import Scenario

RUNNERS = {
    "model": ".model.simulation",
    "heap": ".heap.running",
    "agents": ".agents.simulation",
    "processes": ".processes.simulation",
}
"""Where each tier's `run` is; imported when it is needed, since some need libraries that others do not."""


def scenarios() -> dict[str, str]:
    """Return each scenario that comes with the package, with what it does, in a line."""
    return shipped()


def run_scenario(
    scenario: str | Path | Scenario,
    *,
    nodes: int | None = None,
    hours: float | None = None,
    seed: int = 1,
    crypto: str = "simulated",
    options: RunOptions | None = None,
) -> Outcome:
    """Run a scenario: a shipped one by name, one from a file, or one made in a program; raises ConfigError.

    `nodes` and `hours` (of the measured phase) take the place of the scenario's own; `options`, that of `crypto`.
    """
    return run_outcome(
        changed(scenario, nodes=nodes, hours=hours), seed, options or RunOptions(crypto=crypto)
    )


def changed(
    scenario: str | Path | Scenario, *, nodes: int | None = None, hours: float | None = None
) -> Scenario:
    """Return a scenario with another size or length; raises ConfigError."""
    changes: dict[str, str] = {}
    if nodes is not None:
        changes["population.nodes"] = str(nodes)
    if hours is not None:
        changes["duration"] = f"{hours!r}h"
    whole = scenario if isinstance(scenario, Scenario) else load(scenario)
    return with_changes(whole, changes) if changes else whole


def run_outcome(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
    """Run a whole scenario."""
    outcome = _measured(lambda: _runner(scenario.tier)(scenario, seed, options))
    if outcome.interrupted and options.checkpoint is not None and scenario.tier != "heap":
        checkpoint.save_start(outcome, options.checkpoint)
    return outcome


def resume(path: Path, options: RunOptions) -> Outcome:
    """Take up a run that was put aside when it was ended before its time; raises ConfigError.

    A tier whose runs cannot be written (checkpoint/checkpoint.py) makes the same run again from its start.
    """
    from .heap.running import go_on

    header = checkpoint.header_of(path)
    if header.whole:
        return _measured(lambda: go_on(path, options))
    scenario = checkpoint.start_of(header, path)
    return run_outcome(scenario, header.seed, replace(options, crypto=header.crypto))


def _runner(tier: str) -> Callable[[Scenario, int, RunOptions], Outcome]:
    if tier not in RUNNERS:
        raise ConfigError("tier", f"there is no {tier!r}", f"one of: {', '.join(RUNNERS)}")
    run: Callable[[Scenario, int, RunOptions], Outcome] = import_module(RUNNERS[tier], __package__).run
    return run


def _measured(run: Callable[[], Outcome]) -> Outcome:
    """Add what the machine took, what was expected in vain, and the version of the code."""
    began = time.perf_counter()
    outcome = run()
    figures = dict(outcome.figures)
    figures["wall_s"] = round(time.perf_counter() - began, 3)
    figures["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    # A run that broke off early has not measured what was expected.
    whole = not (outcome.interrupted or outcome.failures)
    missed = tuple(_missed(outcome.scenario, figures)) if whole else ()
    return replace(outcome, figures=figures, failures=outcome.failures + missed, code=code_version())


def _missed(scenario: Scenario, figures: dict[str, float]) -> Iterator[Failure]:
    """Yield a failure for each expectation that does not hold."""
    for name, text in scenario.expect.items():
        figure = figures.get(name)
        if figure is None or math.isnan(figure):
            told = f"{UNMEASURED}; expected {text}"
        elif not Expectation.parse(text).holds(figure):
            told = f"{figure:g}; expected {text}"
        else:
            continue
        at_s = figures.get("virtual_s", 0.0)
        yield Failure(check=name, at_s=at_s, event=0, node=None, message=told)


def replay_line(outcome: Outcome) -> str:
    """Return the command that repeats a run."""
    return run_line(outcome.scenario, outcome.seed, outcome.crypto)
