"""A result as JSON and back, on disk and off it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields
from outcomes import FAILURE, outcome, partitioned

from mesh99.simulations.outcome import Failure, Outcome
from mesh99.simulations.report.document import (
    file_name,
    outcome_of,
    read_outcome,
    write_outcome,
)
from mesh99.simulations.report.results import read_results
from mesh99.wire.errors import ConfigError

numbers = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(min_size=1, max_size=20)
failures = st.builds(
    Failure,
    check=names,
    at_s=numbers,
    event=st.integers(0, 2**53),
    node=st.none() | st.integers(0, 2**24),
    message=st.text(),
)
outcomes = st.builds(
    replace,
    st.sampled_from([outcome(), partitioned()]),
    seed=st.integers(0, 2**62),
    digest=st.text("0123456789abcdef", min_size=1),
    figures=st.dictionaries(names, numbers),
    curves=st.dictionaries(names, st.lists(st.tuples(numbers, numbers), max_size=5)),
    failures=st.lists(failures, max_size=3).map(tuple),
    interrupted=st.booleans(),
    code=st.text(),
)


@given(outcomes)
@settings(max_examples=60)
def test_a_result_survives_json(original: Outcome) -> None:
    text = json.dumps(original.document(), allow_nan=False)
    assert outcome_of(json.loads(text)) == original


def test_the_document_has_the_keys_of_the_contract() -> None:
    document = outcome(failures=(FAILURE,)).document()
    assert set(document) == {
        *("digest", "events_digest", "scenario", "seed", "tier", "crypto", "figures", "curves"),
        *("failures", "interrupted", "code", "replay", "definition"),
    }
    assert document["scenario"] == "churn"
    assert "[churn.session]" in document["definition"]
    assert document["failures"][0]["check"] == "table-caps"
    assert document["replay"].startswith("mesh99 sim ")


def test_what_was_not_measured_is_null_in_json_and_nan_again() -> None:
    figures = {"a": math.nan, "b": math.inf, "c": 1.0}
    document = outcome(figures=figures, curves={"heal": [(0.0, math.nan)]}).document()
    assert document["figures"] == {"a": None, "b": None, "c": 1.0}
    back = outcome_of(document)
    assert math.isnan(back.figures["a"])
    assert math.isnan(back.curves["heal"][0][1])


def _broken(**changes: Any) -> dict[str, Any]:
    return {**outcome().document(), **changes}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a JSON object"),
        ({}, "digest"),
        (_broken(seed="x"), "$.seed"),
        (_broken(figures={"hops_mean": "many"}), "$.figures"),
        (_broken(curves={"heal": [[1]]}), "$.curves"),
        (_broken(failures=[{"check": "x"}]), "$.failures[0]"),
        (_broken(definition="nodes = ["), "definition"),
        (_broken(definition='name = "x"\nabout = "y"\nnosuch = 1'), "nosuch"),
    ],
)
def test_a_broken_document_is_one_line_with_file_and_key(document: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        outcome_of(document, "some.json")
    text = str(caught.value)
    assert text.startswith("some.json")
    assert said in text
    assert "\n" not in text


def test_a_result_on_disk(tmp_path: Path) -> None:
    original = outcome(nodes=250, seed=7)
    path = write_outcome(original, tmp_path / "new" / "folder")
    assert path.name == "churn-250-7.json"
    assert read_outcome(path) == original
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["../../etc/x", "a/b", ".hidden", "..", "tab\tnew\nline"])
def test_a_name_cannot_lead_out_of_the_folder(name: str) -> None:
    named = file_name(with_fields(outcome().scenario, name=name), seed=1)
    assert Path(named).name == named
    assert not named.startswith(".")


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"{", "is not JSON (line 1"), (b"\xff\xfe", "not UTF-8"), (b"[1]", "not a JSON object")],
)
def test_a_broken_file_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=r"broken\.json") as caught:
        read_outcome(path)
    assert said in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_outcome(outcome(), tmp_path / "file" / "folder")


def test_results_of_files_folders_and_sweeps_are_each_read_once(tmp_path: Path) -> None:
    runs = [outcome(seed=seed) for seed in (1, 2, 3)]
    one = write_outcome(runs[0], tmp_path)
    write_outcome(runs[1], tmp_path / "deeper")
    (tmp_path / "other.json").write_text('{"something": "else"}')
    lines = [json.dumps({**run.document(), "parameters": {"a": "1"}}) for run in runs]
    (tmp_path / "sweep.jsonl").write_text("\n".join(lines) + '\n\n{"digest": "cut o')
    found = read_results([tmp_path, one])
    assert sorted(run.seed for run in found.runs) == [1, 2, 3]
    assert len(found.notes) == 2
    assert "other.json is no result" in found.notes[0]
    assert "sweep.jsonl line 5 broke off" in found.notes[1]


def test_no_results_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no results"):
        read_results([tmp_path])
    with pytest.raises(ConfigError, match="cannot be read"):
        read_results([tmp_path / "nosuch.json"])


def test_a_damaged_line_of_a_sweep_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    path.write_text(json.dumps(outcome().document()) + "\n{}\n")
    with pytest.raises(ConfigError, match="line 2: is no result"):
        read_results([path])
