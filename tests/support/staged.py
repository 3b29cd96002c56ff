"""Small runs of the heap tier, for tests of what happens in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.outcome import Outcome, RunOptions
from mesh99.simulations.scenario.schema import Checks, Population, Scenario, Workload

READING = Workload(lookups_every=5.0, gets_every=5.0, keys=3)  # type: ignore[arg-type]
QUIET = Workload(lookups_every=None)


def small(nodes: int = 16, **parts: Any) -> Scenario:
    """Return a scenario of some nodes that join, then read and look up for 20 s, with every invariant checked."""
    settings: dict[str, Any] = {
        "duration": 20.0,
        "settle": 5.0,
        "checks": Checks(every=2.0),  # type: ignore[arg-type]
        "workload": READING,
        "population": Population(nodes=nodes),
        **parts,
    }
    return Scenario(name="small", about="A test.", **settings)


def run_of(
    scenario: Scenario, seed: int = 1, before: Callable[[HeapRun], object] = lambda run: None
) -> tuple[HeapRun, Outcome]:
    """Run a scenario, after `before` had a look at it; return the run, to look into, and what it gave."""
    run = HeapRun(scenario, seed)
    before(run)
    return run, run.run(RunOptions())
