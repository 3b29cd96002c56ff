"""Make a failing run smaller while it fails in the same way: fewer nodes, faults and seconds, a plainer network.

This is delta debugging, greedy: every step that still fails is taken, until none is left (the result is then 1-minimal:
each single step from it passes), or the runs or the time that were allowed are used up. A failure may need luck, and a
smaller network draws other numbers, so several seeds are tried where runs are cheap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..outcome import Failure
from ..scenario.reading import write
from ..scenario.schema import Scenario
from .reductions import DIMENSIONS, Dimension, Step, steps

NAME_MAX = 64
"""Characters of a scenario's name."""

Fails = Callable[[Scenario, int], Failure | None]
"""Runs a scenario with a seed; gives the failure that is looked for, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrinkLimits:
    """How far to go."""

    runs_max: int = 400
    """Runs in all. A second round over all steps takes about 60."""
    time_s: float = 900.0
    """Real time in all; what was found until then is the result."""
    run_s: float = 60.0
    """Real time of one run; one that takes longer is not smaller."""
    seeds: int = 4
    """Seeds tried for each step besides the one that failed last, in small networks: a failure may need luck."""
    cheap_nodes: int = 20
    """What a small network is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrinkProgress:
    """How far a search is; given after every run."""

    runs: int
    elapsed_s: float
    nodes: int
    """Of the smallest scenario that failed."""
    duration_s: float
    trying: str
    """The step that was tried last."""
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """The smallest failing run that was found."""

    scenario: Scenario
    seed: int
    failure: Failure
    runs: int
    taken: tuple[str, ...]
    """The steps that led to it."""
    minimal: bool
    """No single step makes it smaller; False: the limits ended the search."""
    line: str = ""
    """The command that replays it."""
    path: Path | None = None
    """Where the scenario was written."""
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "scenario": self.scenario.name,
            "definition": write(self.scenario),
            "seed": self.seed,
            "nodes": self.scenario.population.nodes,
            "duration_s": float(self.scenario.duration),
            "failure": {"check": self.failure.check, "message": self.failure.message},
            "runs": self.runs,
            "taken": list(self.taken),
            "minimal": self.minimal,
            "replay": self.line,
            "path": None if self.path is None else str(self.path),
            "notes": list(self.notes),
        }


def minimise(
    scenario: Scenario,
    seed: int,
    failure: Failure,
    fails: Fails,
    limits: ShrinkLimits | None = None,
    on_progress: Callable[[ShrinkProgress], None] | None = None,
    dimensions: tuple[Dimension, ...] = DIMENSIONS,
    stop: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """Return the smallest scenario and seed found for which `fails` gives a failure, as the first one failed."""
    search = _Search(scenario, seed, failure, fails, limits or ShrinkLimits(), on_progress, stop)
    while search.round(dimensions):
        pass
    return Shrunk(
        scenario=search.scenario,
        seed=search.seed,
        failure=search.failure,
        runs=search.runs,
        taken=tuple(search.taken),
        minimal=not search.is_spent,
    )


@dataclass(slots=True)
class _Search:
    scenario: Scenario
    seed: int
    failure: Failure
    fails: Fails
    limits: ShrinkLimits
    on_progress: Callable[[ShrinkProgress], None] | None
    stop: Callable[[], bool]
    runs: int = 0
    taken: list[str] = field(default_factory=list)
    is_spent: bool = False
    _began: float = field(default_factory=time.monotonic)
    _passed: set[tuple[str, int]] = field(default_factory=set)
    """What was run already and did not fail."""

    def round(self, dimensions: tuple[Dimension, ...]) -> bool:
        """Go once through all dimensions; true when something became smaller and there is time for another."""
        before = len(self.taken)
        for dimension in dimensions:
            while not self.is_spent and self._take_one(dimension):
                pass
        return len(self.taken) > before and not self.is_spent

    def _take_one(self, dimension: Dimension) -> bool:
        for step in steps(dimension, self.scenario, self.failure):
            for seed in self._seeds(step.scenario):
                if self._out_of_limits():
                    return False
                if self._try(step, seed):
                    return True
        return False

    def _seeds(self, scenario: Scenario) -> Iterator[int]:
        yield self.seed
        if scenario.population.nodes <= self.limits.cheap_nodes:
            others = (seed for seed in range(1, self.limits.seeds + 2) if seed != self.seed)
            yield from list(others)[: self.limits.seeds]

    def _try(self, step: Step, seed: int) -> bool:
        key = (write(step.scenario), seed)
        if key in self._passed:
            return False
        self.runs += 1
        failure = self.fails(step.scenario, seed)
        if failure is None:
            self._passed.add(key)
        else:
            self.scenario, self.seed, self.failure = step.scenario, seed, failure
            self.taken.append(step.text)
        self._tell(step, failure is not None)
        return failure is not None

    def _tell(self, step: Step, failed: bool) -> None:
        if self.on_progress is not None:
            progress = ShrinkProgress(
                runs=self.runs,
                elapsed_s=time.monotonic() - self._began,
                nodes=self.scenario.population.nodes,
                duration_s=float(self.scenario.duration),
                trying=step.text,
                failed=failed,
            )
            self.on_progress(progress)

    def _out_of_limits(self) -> bool:
        over_time = time.monotonic() - self._began >= self.limits.time_s
        self.is_spent = self.is_spent or over_time or self.stop() or self.runs >= self.limits.runs_max
        return self.is_spent
