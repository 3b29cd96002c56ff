"""Sweep a scenario: the one call that the command line and programs use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..scenario.schema import Scenario
from .grid import tasks_of
from .results_file import FILE_NAME, ResultsFile
from .runner import SweepProgress, SweepResult, SweepRunner
from .workers import ClusterWorkers, LocalWorkers, Workers


def sweep(
    scenario: Scenario,
    *,
    grid: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    folder: Path,
    jobs: int | None = None,
    scheduler: str | None = None,
    crypto: str = "simulated",
    on_progress: Callable[[SweepProgress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> SweepResult:
    """Run every point of a grid with every seed, except what `<folder>/sweep.jsonl` holds already.

    `jobs` is how many run at once on this machine (all its cores); `scheduler` the address of a Dask cluster to use
    instead. Raises ConfigError.
    """
    tasks = tasks_of(scenario, grid, seeds, crypto)
    with ResultsFile(folder / FILE_NAME, {task.key for task in tasks}) as file:
        workers: Workers = ClusterWorkers(scheduler) if scheduler else LocalWorkers(jobs)
        try:
            run = partial(simulate, crypto=crypto)
            runner = SweepRunner(run, workers, file, on_progress=on_progress, stop=stop)
            return runner.run(tasks)
        finally:
            workers.close()


def simulate(scenario: Scenario, seed: int, crypto: str) -> dict[str, Any]:
    """Make one run and return its result as a JSON object."""
    from ..run import run_scenario

    return run_scenario(scenario, seed=seed, crypto=crypto).document()
