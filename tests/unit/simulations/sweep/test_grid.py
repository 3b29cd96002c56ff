"""What a sweep runs: points, seeds, and the keys that tell runs apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.simulations.scenario.changes import with_changes
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.sweep import grid
from mesh99.simulations.sweep.grid import key_of, parse_grid, parse_seeds, tasks_of
from mesh99.wire.errors import ConfigError

SCENARIO = Scenario(name="trial", about="A trial.")


def test_each_point_is_run_with_each_seed() -> None:
    tasks = tasks_of(
        SCENARIO, {"population.nodes": ["50", "100"], "links.loss": ["0", "1%"]}, [1, 2], "simulated"
    )
    assert [(task.point["population.nodes"], task.point["links.loss"], task.seed) for task in tasks] == [
        (nodes, loss, seed) for nodes in ("50", "100") for loss in ("0", "1%") for seed in (1, 2)
    ]
    assert [task.scenario.population.nodes for task in tasks] == [50] * 4 + [100] * 4
    assert len({task.key for task in tasks}) == len(tasks)


def test_without_a_grid_there_is_one_point() -> None:
    assert [(task.point, task.seed) for task in tasks_of(SCENARIO, {}, [7], "simulated")] == [({}, 7)]


def test_a_point_that_cannot_be_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"^links\.loss: must be at least 0 and less than 1, not 2"):
        tasks_of(SCENARIO, {"links.loss": ["0", "2"]}, [1], "simulated")


def test_the_same_run_is_not_asked_for_twice() -> None:
    with pytest.raises(ConfigError, match="duration=60s seed 1 and duration=1m seed 1 are the same run"):
        tasks_of(SCENARIO, {"duration": ["1m", "60s"]}, [1], "simulated")


def test_too_many_runs_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 points with 50000 seeds are over 100000 runs"):
        tasks_of(SCENARIO, {"population.nodes": ["2", "3", "4"]}, range(50_000), "simulated")


def test_a_key_is_all_that_decides_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trace = tmp_path / "week.trace"
    trace.write_text("1 1 down\n")
    traced = with_changes(SCENARIO, {"churn.trace": str(trace)})
    keys = [
        key_of(SCENARIO, 1, "simulated"),
        key_of(SCENARIO, 2, "simulated"),
        key_of(SCENARIO, 1, "real"),
        key_of(with_changes(SCENARIO, {"population.nodes": "3"}), 1, "simulated"),
        key_of(traced, 1, "simulated"),
    ]
    trace.write_text("2 1 down\n")
    keys.append(key_of(traced, 1, "simulated"))
    assert key_of(SCENARIO, 1, "simulated") == keys[0]
    monkeypatch.setattr(grid, "code_version", lambda: "other code")
    keys.append(key_of(SCENARIO, 1, "simulated"))
    assert len(set(keys)) == len(keys)


def test_grids_are_read_from_a_command_line() -> None:
    assert parse_grid(["population.nodes=50, 100", "links.loss=1%"]) == {
        "population.nodes": ["50", "100"],
        "links.loss": ["1%"],
    }


@pytest.mark.parametrize("texts", [["nodes"], ["=1"], ["a=1,,2"], ["a="], ["a=1", "a=2"]])
def test_a_grid_that_is_none_is_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^grid: "):
        parse_grid(texts)


def test_seeds_are_read_from_a_command_line() -> None:
    assert parse_seeds("1..3, 9,2") == [1, 2, 3, 9]


@pytest.mark.parametrize("text", ["", "x", "1..", "3..1", "-1", "1,", "1..999999999"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^seeds: "):
        parse_seeds(text)
