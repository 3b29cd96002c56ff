"""A sweep in a table: for each point of the grid, each figure over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, isfinite
from typing import Any

from .grid import Point
from .runner import SweepResult


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the seeds."""

    mean: float
    min: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One point of the grid."""

    point: Point
    runs: int
    """Seeds with a result."""
    passed: int
    """Of those, the ones in which everything held."""
    figures: dict[str, Spread]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        figures = {
            name: {"mean": spread.mean, "min": spread.min, "max": spread.max}
            for name, spread in self.figures.items()
        }
        return {"point": dict(self.point), "runs": self.runs, "passed": self.passed, "figures": figures}


def summary_of(sweep: SweepResult) -> list[Row]:
    """Return a row for each point, in the order of the grid; points without any result have no figures."""
    points: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {}
    for task in sweep.tasks:
        runs = points.setdefault(tuple(task.point.items()), [])
        if task.key in sweep.results:
            runs.append(dict(sweep.results[task.key]))
    return [_row(dict(point), runs) for point, runs in points.items()]


def _row(point: Point, runs: Sequence[dict[str, Any]]) -> Row:
    names = dict.fromkeys(name for run in runs for name in run.get("figures", {}))
    figures = {name: _spread([run.get("figures", {}).get(name) for run in runs]) for name in names}
    passed = sum(not run.get("failures") for run in runs)
    known = {name: spread for name, spread in figures.items() if spread is not None}
    return Row(point=point, runs=len(runs), passed=passed, figures=known)


def _spread(values: Sequence[float | None]) -> Spread | None:
    """Put together the values of the runs that have one."""
    there = [value for value in values if value is not None and isfinite(value)]
    return Spread(fsum(there) / len(there), min(there), max(there)) if there else None
