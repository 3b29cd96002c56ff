"""Tables of many results, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from outcomes import FAILURE, outcome, partitioned

from mesh99.simulations.report.parquet import write_parquet
from mesh99.wire.errors import ConfigError

RUNS = [outcome(nodes=100, seed=1), outcome(nodes=1000, seed=2, failures=(FAILURE,)), partitioned(seed=3)]


def read(path: Path) -> list[dict[str, Any]]:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def test_a_row_a_run_with_parameters_and_figures(tmp_path: Path) -> None:
    path, _ = write_parquet(RUNS, tmp_path / "new" / "runs.parquet")
    rows = read(path)
    assert [row["population.nodes"] for row in rows] == [100, 1000, 200]
    assert [row["seed"] for row in rows] == [1, 2, 3]
    assert [row["passed"] for row in rows] == [True, False, True]
    assert [row["churn.session.scale"] for row in rows] == [3600, 3600, None]
    assert rows[2]["partition.0.at"] == 900
    assert rows[0]["hops_mean"] == RUNS[0].figures["hops_mean"]


def test_curves_in_long_form(tmp_path: Path) -> None:
    _, path = write_parquet(RUNS, tmp_path / "runs.parquet")
    assert path.name == "runs-curves.parquet"
    rows = read(path)
    heal = [(row["x"], row["y"]) for row in rows if row["curve"] == "heal" and row["seed"] == 3]
    assert heal == list(RUNS[2].curves["heal"])
    assert {row["digest"] for row in rows} == {run.digest for run in RUNS}


def test_values_of_several_kinds_share_a_column(tmp_path: Path) -> None:
    figures = [{"a": 1}, {"a": 0.5}, {}]
    runs = [outcome(seed=seed, figures=values) for seed, values in enumerate(figures)]
    path, _ = write_parquet(runs, tmp_path / "runs.parquet")
    assert [row["a"] for row in read(path)] == [1.0, 0.5, None]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_parquet(RUNS, tmp_path / "file" / "runs.parquet")
