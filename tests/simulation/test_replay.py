"""A recorded result is enough to make its run again, and two results are enough to see where their runs part."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mesh99.simulations.outcome import Failure, Outcome, Progress
from mesh99.simulations.replay.diff import diff
from mesh99.simulations.replay.replay import replay
from mesh99.simulations.replay.shrink import shrink
from mesh99.simulations.report.document import write_outcome
from mesh99.simulations.run import run_scenario
from mesh99.simulations.scenario.schema import Population, Scenario
from mesh99.simulations.scenario.units import Duration
from mesh99.wire.errors import ConfigError

SMALL = Scenario(
    name="small",
    about="A few nodes.",
    duration=Duration(10.0),
    settle=Duration(2.0),
    population=Population(nodes=6),
)


@pytest.fixture(scope="module")
def recorded() -> Outcome:
    return run_scenario(SMALL, seed=7)


@pytest.fixture
def result(recorded: Outcome, tmp_path: Path) -> Path:
    return write_outcome(recorded, tmp_path)


def test_the_same_happens_again(result: Path) -> None:
    told: list[Progress] = []
    replayed = replay(result, on_progress=told.append)
    assert replayed.same
    assert replayed.lines() == ["the same again", "nothing failed"]
    assert replayed.outcome.digest == json.loads(result.read_text())["digest"]
    assert told


def test_another_digest_and_other_figures_are_told(recorded: Outcome) -> None:
    figures = recorded.figures | {"lookups": 4711.0, "wall_s": 1e6}
    replayed = replay(replace(recorded, digest="0" * 64, figures=figures, code="sources 0, python 3.1"))
    assert not replayed.same
    digest, lookups = replayed.differences
    assert digest.startswith("digest 0000000000000000 was recorded")
    assert lookups == f"lookups was 4711.0, is {recorded.figures['lookups']}"
    assert any(line.startswith("note: other versions: sources: recorded with 0") for line in replayed.lines())


def test_a_failure_that_does_not_come_again_is_told(recorded: Outcome) -> None:
    failure = Failure(check="caps", at_s=5.0, event=10, node=1, message="too many")
    replayed = replay(replace(recorded, failures=(failure,)))
    assert "failures recorded: caps at 5.000 s; failures now: none" in replayed.differences
    assert replayed.failure is None


def test_a_missed_expectation_comes_again_and_is_shown_with_what_happened_last() -> None:
    demanding = run_scenario(
        Scenario(
            **{name: getattr(SMALL, name) for name in SMALL.__struct_fields__}
            | {"expect": {"lookups": ">= 1000"}}
        ),
        seed=7,
    )
    replayed = replay(demanding, last=5)
    assert replayed.same
    assert replayed.failure is not None
    assert replayed.failure.check == "lookups"
    assert len(replayed.last) == 5
    assert replayed.last[-1].time_ns <= replayed.failure.at_s * 1e9
    assert replayed.causes


def test_a_result_without_a_failure_cannot_be_shrunk(result: Path) -> None:
    with pytest.raises(ConfigError, match="nothing failed"):
        shrink(result)


def test_two_results_are_run_again_and_compared(result: Path, recorded: Outcome, tmp_path: Path) -> None:
    other = write_outcome(replace(recorded, seed=8, code="sources 0"), tmp_path)
    assert diff(result, result).same
    difference = diff(result, other)
    assert not difference.same
    assert "other seeds: 7 and 8" in difference.notes
    assert any(note.startswith(f"{other.name} was recorded by another version") for note in difference.notes)
    assert difference.lines()[1].startswith("first, small-6-7: ")


@pytest.mark.parametrize("content", [None, "", "{}"])
def test_what_is_neither_trace_nor_result_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"other\.json"):
        diff(path, path)
