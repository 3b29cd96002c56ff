"""The results of a sweep on disk: complete lines count, broken ones do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mesh99.simulations.sweep.results_file import ResultsFile
from mesh99.wire.errors import ConfigError

WANTED = ("a", "b")


def _record(key: str, score: float = 1.0) -> dict[str, object]:
    return {"key": key, "figures": {"score": score}}


def test_what_was_added_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sweep.jsonl"
    with ResultsFile(path, WANTED) as file:
        file.add(_record("a"))
        file.add(_record("b"))
    with ResultsFile(path, WANTED) as file:
        assert file.results == {"a": _record("a"), "b": _record("b")}


def test_results_of_other_runs_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    with ResultsFile(path, ["z"]) as file:
        file.add(_record("z"))
    with ResultsFile(path, WANTED) as file:
        assert file.results == {}
        file.add(_record("a"))
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["z", "a"]


def test_a_last_line_that_broke_off_is_cut_away_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    whole = json.dumps(_record("a")).encode() + b"\n"
    last = json.dumps(_record("b")).encode() + b"\n"
    for length in range(len(last)):
        path.write_bytes(whole + last[:length])
        with ResultsFile(path, WANTED) as file:
            assert list(file.results) == ["a"]
            file.add(_record("b"))
        assert path.read_bytes() == whole + last


def test_a_damaged_line_counts_as_not_there(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    lines = [b"\xff\x00", b"[]", b"{", b'{"key": 3}', json.dumps(_record("b")).encode()]
    path.write_bytes(b"\n".join(lines) + b"\n")
    with ResultsFile(path, WANTED) as file:
        assert list(file.results) == ["b"]


def test_a_run_that_stands_there_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    with ResultsFile(path, WANTED) as file:
        file.add(_record("a", 0.5))
        file.add(_record("a", 0.5))
    with ResultsFile(path, WANTED) as file:
        assert file.results == {"a": _record("a", 0.5)}


def test_two_sweeps_do_not_write_into_one_file(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    with ResultsFile(path, WANTED), pytest.raises(ConfigError, match="is being written by another sweep"):
        ResultsFile(path, WANTED)
    ResultsFile(path, WANTED).__exit__(None, None, None)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"sweep\.jsonl: cannot be written: "):
        ResultsFile(tmp_path / "file" / "sweep.jsonl", WANTED)
