"""`mesh99 sim replay`, `shrink` and `diff`: what is printed of what they find, and how it ends."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from outcomes import FAILURE, outcome

from mesh99.cli.sim_shrink import told
from mesh99.simulations.outcome import Outcome
from mesh99.simulations.replay import diff as diff_module
from mesh99.simulations.replay import replay as replay_module
from mesh99.simulations.replay import shrink as shrink_module
from mesh99.simulations.replay.diff import Difference, Side
from mesh99.simulations.replay.minimise import ShrinkProgress, Shrunk
from mesh99.simulations.replay.replay import Replayed
from mesh99.simulations.report.document import write_outcome

FAILED = outcome(failures=(FAILURE,))


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return write_outcome(FAILED, tmp_path)


def replayed(now: Outcome, differences: tuple[str, ...] = ()) -> Replayed:
    return Replayed(recorded=FAILED, outcome=now, differences=differences, versions=(), failure=FAILURE)


def test_a_failure_that_shows_again_is_what_was_asked_for(
    mesh99: Any, document: Any, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def replay(path: Path, *, on_progress: object, last: int) -> Replayed:
        asked.append((path, on_progress, last))
        return replayed(FAILED)

    monkeypatch.setattr(replay_module, "replay", replay)
    found = document("sim", "replay", str(result), "--last", "5")
    assert (found["same"], found["outcome"]["digest"]) == (True, FAILED.digest)
    assert asked == [(result, None, 5)]
    shown = mesh99("sim", "replay", str(result)).stdout.splitlines()
    assert shown[0] == "the same again"
    assert FAILURE.message in shown[1]


def test_a_run_that_goes_another_way_is_an_error(
    mesh99: Any, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replayed(replace(FAILED, digest="beef"), ("digest abc was recorded, beef came out",))
    monkeypatch.setattr(replay_module, "replay", lambda *_, **__: other)
    ended = mesh99("sim", "replay", str(result), "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["same"] is False
    error, hint = ended.stderr.splitlines()
    assert error == f"error: {result}: something else happened: digest abc was recorded, beef came out"
    assert hint.startswith("hint: ")


def shrunk(**changes: Any) -> Shrunk:
    fields: dict[str, Any] = {
        "scenario": outcome(nodes=6).scenario,
        "seed": 3,
        "failure": FAILURE,
        "runs": 41,
        "taken": ("6 nodes",),
        "minimal": True,
        "line": "mesh99 sim run small.toml --seed 3",
        "path": Path("small.toml"),
        "notes": ("other versions: python",),
    }
    return Shrunk(**{**fields, **changes})


@pytest.fixture
def shrinker(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    asked: dict[str, Any] = {}

    def shrink(path: Path, **options: Any) -> Shrunk:
        asked.update(options, path=path)
        options["on_progress"] and options["on_progress"](PROGRESS)
        if asked.get("interrupt"):
            os.kill(os.getpid(), signal.SIGINT)
            assert options["stop"]()
        return shrunk()

    monkeypatch.setattr(shrink_module, "shrink", shrink)
    return asked


PROGRESS = ShrinkProgress(runs=7, elapsed_s=3.0, nodes=12, duration_s=90.0, trying="12 nodes", failed=True)


def test_shrink(mesh99: Any, result: Path, shrinker: dict[str, Any]) -> None:
    ended = mesh99("sim", "shrink", str(result), "--minutes", "2", "--json")
    found = json.loads(ended.stdout)
    assert (ended.exit_code, found["nodes"], found["seed"], found["minimal"]) == (0, 6, 3, True)
    assert (shrinker["path"], shrinker["out"], shrinker["limits"].time_s) == (result, result.parent, 120)
    ended = mesh99("sim", "shrink", str(result), "-v")
    assert "mesh99 sim run small.toml --seed 3" in ended.stdout
    progress, note = ended.stderr.splitlines()
    assert progress == f"{result.name}: {told(PROGRESS)}"
    assert note == "note: other versions: python"


def test_told() -> None:
    assert told(PROGRESS) == "run 7, smallest that fails: 12 nodes, 1 min 30 s; tried: 12 nodes"


def test_ctrl_c_ends_shrinking_with_the_smallest_so_far(
    mesh99: Any, result: Path, shrinker: dict[str, Any]
) -> None:
    shrinker["interrupt"] = True
    ended = mesh99("sim", "shrink", str(result), "--json")
    assert ended.exit_code == 130
    assert json.loads(ended.stdout)["nodes"] == 6
    assert "error: interrupted; this is the smallest found until then" in ended.stderr


def test_a_run_in_which_nothing_failed_cannot_be_shrunk(mesh99: Any, tmp_path: Path) -> None:
    ended = mesh99("sim", "shrink", str(write_outcome(outcome(), tmp_path)))
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "nothing failed in that run" in ended.stderr


@pytest.mark.parametrize(("same", "exit_code"), [(True, 0), (False, 1)])
def test_diff(mesh99: Any, result: Path, monkeypatch: pytest.MonkeyPatch, same: bool, exit_code: int) -> None:
    side = Side(name="a", record=None)
    found = Difference(records=1234, first=None if same else side, second=None if same else side)
    monkeypatch.setattr(diff_module, "diff", lambda a, b: found)
    ended = mesh99("sim", "diff", str(result), str(result))
    assert ended.exit_code == exit_code
    assert ended.stdout.startswith("the same")
    assert ("error: the runs part after 1,234 records" in ended.stderr) is not same


def test_what_is_neither_a_trace_nor_a_result_is_one_line(mesh99: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("{}")
    ended = mesh99("sim", "diff", str(other), str(other))
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {other}: ")
