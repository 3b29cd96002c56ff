"""`mesh99 sim list`, `run` and `sweep`: what reaches the simulator, what is printed, and how it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from outcomes import FAILURE, outcome

from mesh99.simulations import run as run_module
from mesh99.simulations.agents import baseline
from mesh99.simulations.checkpoint.checkpoint import save_start
from mesh99.simulations.outcome import Outcome, RunOptions
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.sweep import sweep as sweep_module
from mesh99.simulations.sweep.grid import tasks_of
from mesh99.simulations.sweep.runner import SweepProgress, SweepResult

Document = Callable[..., Any]

Answer = Callable[[Scenario, int, RunOptions], Outcome]


class Simulator:
    """Stands for the simulator: notes what it is asked and answers with a result that no run made."""

    def __init__(self) -> None:
        self.asked: list[tuple[Scenario, int, RunOptions]] = []
        self.answer: Answer = lambda scenario, seed, options: outcome(scenario=scenario, seed=seed)

    def __call__(self, scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
        self.asked.append((scenario, seed, options))
        return self.answer(scenario, seed, options)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    simulator = Simulator()
    monkeypatch.setattr(run_module, "run_outcome", simulator)
    return simulator


def test_list(document: Document, mesh99: Any) -> None:
    scenarios = {row["scenario"]: row["description"] for row in document("sim", "list")}
    assert {"join", "churn", "partition", "year"} <= set(scenarios)
    assert scenarios["churn"] in mesh99("sim", "list").stdout


def test_list_fault_points_and_invariants(document: Document) -> None:
    assert "pump.duplicate-packet" in {row["point"] for row in document("sim", "list", "--points")}
    checks = document("sim", "list", "--checks")
    assert len(checks) >= 5
    assert all(row["check"] and len(row["description"]) > 10 for row in checks)


def test_run_gives_the_document_of_the_contract(document: Document, simulator: Simulator) -> None:
    found = document("sim", "run", "churn", "--seed", "7")
    assert (found["scenario"], found["seed"]) == ("churn", 7)
    assert {"digest", "figures", "events_digest", "tier", "crypto", "curves", "failures"} <= set(found)
    assert {"interrupted", "code", "replay", "definition"} <= set(found)
    contract = ("nodes", "virtual_s", "wall_s", "lookup_success", "lookup_p50_ms", "lookup_p99_ms")
    assert {*contract, "hops_mean", "bytes_per_node_per_s", "peak_rss_mb"} <= set(found["figures"])


def test_run_hands_on_what_the_options_say(mesh99: Any, simulator: Simulator, tmp_path: Path) -> None:
    options = ["--nodes", "9", "--hours", "0.5", "--seed", "7", "--crypto", "real"]
    settings = ["--set", "churn.session.scale=2h", "--set", "links.loss = 1%"]
    trace = ["--trace", str(tmp_path / "trace")]
    result = mesh99("sim", "run", "churn", *options, *settings, *trace)
    assert result.exit_code == 0, result.output
    ((scenario, seed, run),) = simulator.asked
    assert (scenario.population.nodes, scenario.duration, seed) == (9, 1800, 7)
    assert scenario.churn is not None
    assert (scenario.churn.session.scale, scenario.links.loss) == (7200, 0.01)
    assert (run.crypto, run.trace, run.checkpoint) == ("real", tmp_path / "trace", None)


def test_run_prints_figures_with_units(mesh99: Any, simulator: Simulator) -> None:
    result = mesh99("sim", "run", "join")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["lookup_success"] == "99.55 %"
    assert lines["lookup_p50_ms"] == "240 ms"
    assert result.stderr == ""


def test_run_writes_its_result_and_a_report_reads_it(
    document: Document, simulator: Simulator, tmp_path: Path
) -> None:
    found = document("sim", "run", "join", "--nodes", "50", "--seed", "3", "--out", str(tmp_path))
    path = tmp_path / "join-50-3.json"
    assert found.pop("path") == str(path)
    assert json.loads(path.read_text())["digest"] == found["digest"]
    reported = document("sim", "report", str(tmp_path), "--out", str(tmp_path / "report.html"))
    assert (reported["runs"], reported["failed"]) == (1, 0)
    assert "join" in (tmp_path / "report.html").read_text()


def test_a_failed_run_tells_its_failures_and_the_line_that_replays_it(
    mesh99: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.answer = lambda scenario, seed, _: outcome(
        scenario=scenario, seed=seed, failures=(FAILURE,) * 12
    )
    result = mesh99("sim", "run", "join", "--nodes", "9", "--seed", "7", "--json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["failures"]) == 12
    *failures, error, hint = result.stderr.splitlines()
    assert failures[0] == f"failed: table-caps: {FAILURE.message} (at 12.5 s, node 3, event 4711)"
    assert failures[-1] == "failed: and 2 more"
    line = "mesh99 sim run join --nodes 9 --seed 7"
    assert error == f"error: 12 failures (table-caps); replay it: {line}"
    assert "--out DIR" in hint
    assert json.loads(result.stdout)["replay"] == line
    *_, hint = mesh99("sim", "run", "join", "--out", str(tmp_path)).stderr.splitlines()
    assert hint == f"hint: make it small: mesh99 sim shrink {tmp_path / 'join-200-1.json'}"


def test_the_line_names_a_scenario_file_as_it_was_given(
    mesh99: Any, simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "my own.toml"
    path.write_text('name = "mine"\nabout = "A try."\n')
    found = json.loads(mesh99("sim", "run", str(path), "--crypto", "real", "--json").stdout)
    assert found["replay"] == f"mesh99 sim run '{path}' --seed 1 --crypto real"


def interrupting(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
    """Behave as a run in which Ctrl-C is pressed."""
    assert not options.stop()
    os.kill(os.getpid(), signal.SIGINT)
    assert options.stop()
    ended = outcome(scenario=scenario, seed=seed, crypto=options.crypto, interrupted=True)
    if options.checkpoint is not None:
        save_start(ended, options.checkpoint)
    return ended


def test_ctrl_c_ends_a_run_with_what_was_measured(mesh99: Any, simulator: Simulator, tmp_path: Path) -> None:
    simulator.answer = interrupting
    before = signal.getsignal(signal.SIGINT)
    result = mesh99("sim", "run", "join", "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["interrupted"] is True
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: interrupted after 1 h of virtual time")
    assert "--out DIR" in hint
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupted_run_goes_on(
    mesh99: Any, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.answer = interrupting
    arguments = ["sim", "run", "join", "--nodes", "50", "--out", str(tmp_path / "new")]
    result = mesh99(*arguments)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "hint: the same command with --resume goes on from there"

    resumed: list[Path] = []

    def resume(path: Path, options: RunOptions) -> Outcome:
        resumed.append(path)
        assert options.checkpoint == path
        return outcome("join", nodes=50)

    monkeypatch.setattr(run_module, "resume", resume)
    other = mesh99(*arguments, "--set", "duration=7m", "--resume")
    assert (other.exit_code, resumed) == (2, [])
    assert "is of a run with other settings" in other.stderr
    result = mesh99(*arguments, "--resume")
    assert result.exit_code == 0
    assert "again from its start" in result.stderr
    assert resumed == [tmp_path / "new" / "join-50-1.checkpoint"]
    assert not resumed[0].exists()


def test_a_second_ctrl_c_ends_it_at_once(mesh99: Any, simulator: Simulator) -> None:
    def twice(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return outcome()

    simulator.answer = twice
    result = mesh99("sim", "run", "join")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "\nerror: interrupted\n")


def test_the_baseline_runs_after_ours(
    document: Document, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_baseline(ours: Outcome, options: RunOptions) -> Outcome:
        return replace(ours, figures={**ours.figures, "baseline_hops_mean": 3.0})

    monkeypatch.setattr(baseline, "with_baseline", with_baseline)
    found = document("sim", "run", "join", "--tier", "agents", "--baseline")
    assert found["figures"]["baseline_hops_mean"] == 3.0
    assert simulator.asked[0][0].tier == "agents"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "missing argument 'SCENARIO'"),
        (["run", "nosuch"], "there is no"),
        (["run", "nosuch.toml"], "nosuch.toml"),
        (["run", "join", "--nodes", "0"], "--nodes"),
        (["run", "join", "--hours", "0"], "--hours"),
        (["run", "join", "--set", "nodes"], "KEY=VALUE"),
        (["run", "join", "--set", "population.nosuch=1"], "population.nosuch"),
        (["run", "join", "--set", "links.loss=high"], "links.loss"),
        (["run", "join", "--tier", "nosuch"], "tier"),
        (["run", "join", "--resume"], "--out DIR"),
        (["run", "join", "--resume", "--out", "nosuch"], "no interrupted run"),
        (["sweep", "join"], "--out"),
        (["sweep", "join", "--out", "x", "--grid", "links.loss"], "grid"),
        (["sweep", "join", "--out", "x", "--seeds", "a"], "seeds"),
        (["report"], "missing argument"),
        (["report", "nosuch.json"], "nosuch.json"),
        (["replay", "nosuch.json"], "nosuch.json"),
        (["shrink", "nosuch.json"], "nosuch.json"),
        (["diff", "nosuch", "b"], "nosuch"),
        (["list", "--points", "--checks"], "give one"),
    ],
)
def test_wrong_usage_and_bad_files_are_one_line(mesh99: Any, arguments: list[str], said: str) -> None:
    result = mesh99("sim", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    errors = [line for line in result.stderr.splitlines() if not line.startswith("hint: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert said in errors[0]


def test_a_missing_library_is_one_line_with_its_extra(
    mesh99: Any, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mesh99("sim", "run", "join", "--out", str(tmp_path)).exit_code == 0
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    result = mesh99("sim", "report", str(tmp_path), "--out", str(tmp_path / "report.html"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: matplotlib: is not installed, and needed for plots\nhint: pip install 'mesh99[sim]'\n"
    )


def test_a_real_run_from_the_command_line(document: Document, tmp_path: Path) -> None:
    arguments = ("sim", "run", "join", "--nodes", "8", "--set", "duration=2s", "--set", "expect=none")
    found = document(*arguments, "--out", str(tmp_path))
    assert found["figures"]["nodes"] == 8
    assert found["digest"] == document(*arguments)["digest"]
    path = Path(found["path"])
    recorded = json.loads(path.read_text())
    recorded["figures"]["baseline_hops_mean"] = 3.0  # the stock library does not run again
    path.write_text(json.dumps(recorded))
    assert document("sim", "replay", str(path))["same"] is True


class Sweeper:
    """Stands for the sweep: its runs are results that no run made."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.lost = 0
        self.errors: dict[str, str] = {}
        self.failing = False

    def __call__(self, scenario: Scenario, **options: Any) -> SweepResult:
        self.asked = options
        tasks = tasks_of(scenario, options["grid"], options["seeds"], options["crypto"])
        done = tasks[: len(tasks) - self.lost]
        failures = (FAILURE,) if self.failing else ()
        results = {
            task.key: outcome(scenario=task.scenario, seed=task.seed, failures=failures).document()
            for task in done
        }
        progress = SweepProgress(total=len(tasks), done=len(done), resumed=0, failed=0)
        options["on_progress"](progress)
        errors = {tasks[0].key: "its worker died"} if self.errors else {}
        return SweepResult(tasks=tasks, results=results, errors=errors, interrupted=self.lost > 0)


@pytest.fixture
def sweeper(monkeypatch: pytest.MonkeyPatch) -> Sweeper:
    sweeper = Sweeper()
    monkeypatch.setattr(sweep_module, "sweep", sweeper)
    return sweeper


SWEEP = ("sim", "sweep", "join", "--grid", "population.nodes=10,20", "--seeds", "1..2", "--out")


def test_sweep(document: Document, mesh99: Any, sweeper: Sweeper, tmp_path: Path) -> None:
    found = document(*SWEEP, str(tmp_path), "--jobs", "1", "--crypto", "real")
    assert (found["scenario"], found["runs"], found["done"], found["errors"]) == ("join", 4, 4, {})
    assert [point["point"] for point in found["points"]] == [
        {"population.nodes": "10"},
        {"population.nodes": "20"},
    ]
    assert found["points"][0]["figures"]["hops_mean"]["mean"] == pytest.approx(2.33)
    asked = sweeper.asked
    assert (asked["seeds"], asked["folder"], asked["jobs"]) == ([1, 2], tmp_path, 1)
    assert (asked["crypto"], asked["scheduler"]) == ("real", None)
    result = mesh99(*SWEEP, str(tmp_path), "-v")
    head, first, _ = result.stdout.splitlines()
    assert head.split()[:3] == ["population.nodes", "RUNS", "HELD"]
    assert first.split()[:3] == ["10", "2", "2"]
    assert result.stderr == "join: 4 of 4 runs\n"


def test_a_sweep_with_failed_runs(mesh99: Any, sweeper: Sweeper, tmp_path: Path) -> None:
    sweeper.failing, sweeper.errors = True, {"x": "y"}
    result = mesh99(*SWEEP, str(tmp_path))
    assert result.exit_code == 1
    note, error, hint = result.stderr.splitlines()
    assert note == "no result: population.nodes=10 seed 1: its worker died"
    assert error == "error: 4 of 4 runs failed, 1 have no result"
    assert "mesh99 sim report" in hint


def test_a_sweep_that_is_ended_says_how_it_goes_on(mesh99: Any, sweeper: Sweeper, tmp_path: Path) -> None:
    sweeper.lost = 1
    result = mesh99(*SWEEP, str(tmp_path), "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["done"] == 3
    error, hint = result.stderr.splitlines()
    assert error == "error: interrupted; 3 of 4 runs are done"
    assert hint == "hint: the same command goes on from there"
