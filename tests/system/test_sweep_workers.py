"""Sweeps on real processes and on a real Dask cluster: a worker killed in the middle changes nothing in the result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sweep_runs
from sweep_runs import FATAL_SEED, InlineWorkers, counted, killed_always, killed_once

from mesh99.simulations import run_scenario
from mesh99.simulations.scenario.catalog import load
from mesh99.simulations.scenario.changes import with_changes
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.sweep.grid import Task, tasks_of
from mesh99.simulations.sweep.results_file import ResultsFile
from mesh99.simulations.sweep.runner import Run, SweepResult, SweepRunner
from mesh99.simulations.sweep.sweep import sweep
from mesh99.simulations.sweep.workers import ClusterWorkers, LocalWorkers, Workers
from mesh99.wire.errors import ConfigError

OF_THE_MACHINE = ("wall_s", "peak_rss_mb", "virtual_h_per_cpu_s")


def _tasks() -> list[Task]:
    scenario = Scenario(name="trial", about="A trial.")
    return tasks_of(scenario, {"population.nodes": ["50"]}, range(1, 6), "simulated")


def _sweep(folder: Path, run: Run, workers: Workers) -> SweepResult:
    tasks = _tasks()
    try:
        with ResultsFile(folder / "sweep.jsonl", {task.key for task in tasks}) as file:
            return SweepRunner(run, workers, file).run(tasks)
    finally:
        workers.close()


@pytest.fixture
def serial(tmp_path: Path) -> SweepResult:
    """Return the sweep as one process makes it, run by run."""
    return _sweep(tmp_path / "serial", counted, InlineWorkers(slots=1))


@pytest.fixture
def cluster() -> Iterator[str]:
    """Run a scheduler and two workers in processes of their own; give the scheduler's address."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as running:
        yield running.scheduler_address


def test_a_killed_process_changes_nothing_in_the_result(tmp_path: Path, serial: SweepResult) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    done = _sweep(tmp_path / "pool", partial(killed_once, marks), LocalWorkers(2))
    assert len(list(marks.iterdir())) == 1
    assert (done.results, done.errors) == (serial.results, {})
    assert list(done.results) == list(serial.results)


def test_a_run_that_kills_each_process_is_given_up_and_no_other(tmp_path: Path, serial: SweepResult) -> None:
    done = _sweep(tmp_path / "pool", killed_always, LocalWorkers(2))
    assert set(done.errors) == {task.key for task in done.tasks if task.seed == FATAL_SEED}
    assert done.results == {key: serial.results[key] for key in serial.results if key not in done.errors}


@pytest.mark.timeout(120)
def test_a_killed_worker_of_a_cluster_changes_nothing_in_the_result(
    tmp_path: Path, serial: SweepResult, cluster: str
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    done = _sweep(tmp_path / "cluster", partial(killed_once, marks), ClusterWorkers(cluster))
    assert len(list(marks.iterdir())) == 1
    assert (done.results, done.errors) == (serial.results, {})


def test_real_simulations_give_what_they_give_alone(tmp_path: Path) -> None:
    scenario = with_changes(load("join"), {"population.nodes": "6", "duration": "10s", "settle": "5s"})
    done = sweep(scenario, grid={"links.loss": ["0", "5%"]}, seeds=[1], folder=tmp_path, jobs=2)
    assert (done.errors, done.interrupted) == ({}, False)
    for task in done.tasks:
        alone = _without_the_machine(run_scenario(task.scenario, seed=task.seed).document())
        there = _without_the_machine(dict(done.results[task.key]))
        assert {key: there[key] for key in alone} == alone
    digests = {done.results[task.key]["digest"] for task in done.tasks}
    assert len(digests) == 2


def _without_the_machine(document: dict[str, Any]) -> dict[str, Any]:
    """Return what has to be the same wherever it ran, as JSON gives it back."""
    figures = {name: value for name, value in document["figures"].items() if name not in OF_THE_MACHINE}
    return dict(json.loads(json.dumps({**document, "figures": figures})))


CTRL_C = """
import sys
from pathlib import Path
from sweep_runs import slow_but_first
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.sweep.grid import tasks_of
from mesh99.simulations.sweep.results_file import ResultsFile
from mesh99.simulations.sweep.runner import SweepRunner
from mesh99.simulations.sweep.workers import LocalWorkers

if __name__ == "__main__":
    tasks = tasks_of(Scenario(name="trial", about="A trial."), {}, range(1, 6), "simulated")
    with ResultsFile(Path(sys.argv[1]), {task.key for task in tasks}) as file:
        tell = lambda progress: print(progress.done, flush=True)
        done = SweepRunner(slow_but_first, LocalWorkers(2), file, on_progress=tell).run(tasks)
    print("interrupted" if done.interrupted else "done", len(done.results), flush=True)
"""


@pytest.mark.parametrize("done", [0, 1])
def test_ctrl_c_keeps_what_is_done_and_leaves_no_process_behind(tmp_path: Path, done: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(CTRL_C)
    command = [sys.executable, str(script), str(tmp_path / "sweep.jsonl")]
    support = str(Path(sweep_runs.__file__).parent)
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": support},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(done + 1)] == ["0\n", "1\n"][: done + 1]
        # As a terminal does: to every process of the group.
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (output, errors, process.returncode) == (f"interrupted {done}\n", "", 0)
    assert _is_gone(process.pid)


def _is_gone(group: int) -> bool:
    """Wait until no process of a group is left."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("mesh99.simulations.sweep.workers.CONNECT_TIMEOUT_S", 0.2)
    with pytest.raises(ConfigError, match=r"scheduler: no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        ClusterWorkers("tcp://127.0.0.1:9")


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError) as caught:
        ClusterWorkers("tcp://127.0.0.1:9")
    assert caught.value.hint == "pip install 'mesh99[sweep]'"
