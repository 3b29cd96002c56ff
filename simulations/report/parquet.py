"""Many results as Parquet tables, for pandas, DuckDB, Polars and the like.

`FILE` holds a row a run: what it was (scenario, seed, tier, ..., every parameter of the scenario under its dotted key),
what came out (every figure under its name) and how many failures. `FILE-curves` holds the curves in long form: a row
a point, with the digest that joins it to its run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...wire.errors import ConfigError
from ..outcome import Outcome
from .extras import library
from .parameters import Value, parameters_of

PURPOSE = "Parquet files"


def write_parquet(runs: Sequence[Outcome], path: Path) -> list[Path]:
    """Write both tables and return their paths."""
    curves = path.with_name(f"{path.stem}-curves{path.suffix}")
    for target, columns in ((path, run_columns(runs)), (curves, curve_columns(runs))):
        _write(columns, target)
    return [path, curves]


def run_columns(runs: Sequence[Outcome]) -> dict[str, list[Any]]:
    """Return the table of runs, column by column; what a run does not have is None there."""
    rows = [_row(run) for run in runs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: _one_type([row.get(name) for row in rows]) for name in names}


def curve_columns(runs: Sequence[Outcome]) -> dict[str, list[Any]]:
    """Return the points of all curves, column by column."""
    points = [
        (run.scenario.name, run.seed, run.digest, name, float(x), float(y))
        for run in runs
        for name, curve in run.curves.items()
        for x, y in curve
    ]
    names = ("scenario", "seed", "digest", "curve", "x", "y")
    return {name: [point[index] for point in points] for index, name in enumerate(names)}


def _row(run: Outcome) -> dict[str, Any]:
    parameters = {name: _plain(value) for name, value in parameters_of(run.scenario).items()}
    return {
        "scenario": parameters.pop("name"),
        "seed": run.seed,
        **parameters,
        "tier": run.tier,
        "crypto": run.crypto,
        "digest": run.digest,
        "events_digest": run.events_digest,
        "code": run.code,
        "interrupted": run.interrupted,
        "passed": run.passed,
        "failures": len(run.failures),
        **{name: float(value) for name, value in run.figures.items()},
    }


def _plain(value: Value) -> Value:
    """Return a number without the class that says its unit."""
    if isinstance(value, bool | str):
        return value
    return int(value) if isinstance(value, int) else float(value)


def _one_type(values: list[Any]) -> list[Any]:
    """Give all values of a column one type: a share of 1 beside 0.5 is a float, and text beside numbers text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2:
        return values
    target: type = float if kinds <= {int, float} else str
    return [None if value is None else target(value) for value in values]


def _write(columns: dict[str, list[Any]], path: Path) -> None:
    arrow, parquet = library("pyarrow", PURPOSE), library("pyarrow.parquet", PURPOSE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(arrow.table(columns), path)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error
