"""A sweep goes on whatever happens to its workers, and gives what a serial run gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sweep_runs import FATAL_SEED, InlineWorkers, broken, counted

from mesh99.simulations.code_version import code_version
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.sweep.grid import Task, tasks_of
from mesh99.simulations.sweep.results_file import ResultsFile
from mesh99.simulations.sweep.runner import Run, SweepProgress, SweepResult, SweepRunner
from mesh99.simulations.sweep.workers import Workers

SCENARIO = Scenario(name="trial", about="A trial.")


def _tasks() -> list[Task]:
    return tasks_of(SCENARIO, {"population.nodes": ["50", "100"]}, range(1, 6), "simulated")


def _sweep(folder: Path, run: Run, workers: Workers, **others: Any) -> SweepResult:
    tasks = _tasks()
    with ResultsFile(folder / "sweep.jsonl", {task.key for task in tasks}) as file:
        return SweepRunner(run, workers, file, **others).run(tasks)


def _figures(sweep: SweepResult) -> list[object]:
    return [sweep.results[task.key]["figures"] for task in sweep.tasks if task.key in sweep.results]


def _serial() -> list[object]:
    return [counted(task.scenario, task.seed)["figures"] for task in _tasks()]


def _stop_after(calls: int) -> Callable[[], bool]:
    asked = iter(range(1000))
    return lambda: next(asked) >= calls


def test_every_run_has_its_result_and_stands_in_the_file(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, counted, InlineWorkers())
    assert _figures(sweep) == _serial()
    assert (sweep.errors, sweep.interrupted) == ({}, False)
    lines = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    assert {line["key"]: line for line in lines} == sweep.results
    assert lines[0]["point"] == {"population.nodes": "50"}


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    _sweep(tmp_path, counted, InlineWorkers())
    progress: list[SweepProgress] = []
    workers = InlineWorkers()
    sweep = _sweep(tmp_path, counted, workers, on_progress=progress.append)
    assert _figures(sweep) == _serial()
    assert workers.opened == 0
    assert progress == [SweepProgress(total=10, done=10, resumed=10, failed=0)]


def test_a_sweep_that_was_stopped_is_taken_up(tmp_path: Path) -> None:
    first = _sweep(tmp_path, counted, InlineWorkers(), stop=_stop_after(3))
    assert first.interrupted
    assert 0 < len(first.results) < 10
    second = _sweep(tmp_path, counted, InlineWorkers())
    assert not second.interrupted
    assert _figures(second) == _serial()


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    def interrupt(progress: SweepProgress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    sweep = _sweep(tmp_path, counted, InlineWorkers(), on_progress=interrupt)
    assert sweep.interrupted
    assert len(sweep.results) == 4
    assert _figures(_sweep(tmp_path, counted, InlineWorkers())) == _serial()


def test_progress_is_told_run_by_run(tmp_path: Path) -> None:
    progress: list[SweepProgress] = []
    _sweep(tmp_path, counted, InlineWorkers(), on_progress=progress.append)
    assert [each.done for each in progress] == list(range(11))


def test_runs_that_lost_their_worker_are_tried_again(tmp_path: Path) -> None:
    deaths: Counter[int] = Counter()

    def dies_once(seed: int) -> bool:
        deaths[seed] += 1
        return seed == FATAL_SEED and deaths[seed] == 1

    workers = InlineWorkers(slots=3, breaks=dies_once)
    sweep = _sweep(tmp_path, counted, workers)
    assert (_figures(sweep), sweep.errors) == (_serial(), {})
    assert workers.opened > 1


def test_a_run_that_always_kills_its_worker_is_given_up_and_no_other(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, counted, InlineWorkers(slots=4, breaks=lambda seed: seed == FATAL_SEED))
    fatal = {task.key for task in sweep.tasks if task.seed == FATAL_SEED}
    assert set(sweep.errors) == fatal
    assert set(sweep.results) == {task.key for task in sweep.tasks} - fatal
    assert not sweep.interrupted
    assert all(error.startswith("its worker died 3 times") for error in sweep.errors.values())


def test_a_run_that_fails_says_why_and_is_done_again_the_next_time(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, broken, InlineWorkers())
    said = "ConfigError: links.loss: is out of hand repeat it: mesh99 sim run trial"
    assert list(sweep.errors.values()) == [said, said]
    assert len(sweep.results) == 8
    again = _sweep(tmp_path, counted, InlineWorkers())
    assert (_figures(again), again.errors) == (_serial(), {})


def _no_json(scenario: Scenario, seed: int) -> dict[str, object]:
    return {"figures": {"score": float("nan")}}


def _interrupted(scenario: Scenario, seed: int) -> dict[str, object]:
    return {"figures": {}, "interrupted": True}


def _other_code(scenario: Scenario, seed: int) -> dict[str, object]:
    return {"figures": {}, "code": "sources 0123"}


def _same_code(scenario: Scenario, seed: int) -> dict[str, object]:
    return {"figures": {}, "code": code_version()}


@pytest.mark.parametrize(
    ("run", "errors"),
    [
        (_no_json, ["ValueError: Out of range float values are not JSON compliant"]),
        (_interrupted, ["it was interrupted"]),
        (_other_code, ["its worker runs other code: sources 0123, and here is "]),
        (_same_code, []),
    ],
)
def test_a_result_that_cannot_be_kept_is_an_error(tmp_path: Path, run: Run, errors: Sequence[str]) -> None:
    sweep = _sweep(tmp_path, run, InlineWorkers())
    assert len(sweep.errors) == 10 * len(errors)
    assert all(error.startswith(errors[0]) for error in sweep.errors.values())
