"""Run a scenario on the heap: with a trace if one is asked for, and put aside when it is ended before its time."""

from __future__ import annotations

from pathlib import Path

from ..checkpoint import checkpoint
from ..outcome import Outcome, RunOptions
from ..scenario.schema import Scenario
from ..scenario.writing import write
from ..tracing.tracing_world import closing_trace, taps_of, world_for
from .simulation import HeapRun


def run(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
    """Run a scenario from its beginning; raises ConfigError."""
    with world_for(scenario, seed, options) as world:
        heap_run = HeapRun(scenario, seed, crypto=options.crypto, world=world)
        heap_run.network.taps.extend(taps_of(world))
        return _run(heap_run, options)


def go_on(path: Path, options: RunOptions) -> Outcome:
    """Take up a run that was put aside; raises ConfigError."""
    run: HeapRun = checkpoint.load(path)
    with closing_trace(run.world):
        return _run(run, options)


def _run(run: HeapRun, options: RunOptions) -> Outcome:
    outcome = run.run(options)
    if outcome.interrupted and options.checkpoint is not None:
        checkpoint.save(
            run,
            options.checkpoint,
            scenario=write(run.scenario),
            seed=run.seed,
            crypto=outcome.crypto,
            virtual_s=run.world.now(),
        )
    return outcome
