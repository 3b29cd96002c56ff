"""The first difference of two traces, and its causes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mesh99.simulations.replay.diff import first_difference
from mesh99.simulations.tracing.trace import TraceHeader, TraceWriter
from mesh99.wire.errors import ConfigError

END_BYTES = 13

Change = Callable[[TraceWriter], None]


def _trace(path: Path, end: Change, *, shift: int = 0, **header: str) -> Path:
    """Write how node 1 asks node 2, which asks node 3; `end` is what node 3 does then."""
    writer = TraceWriter(
        path,
        TraceHeader(**{"scenario": "s", "code": "sources 1, python 3.11.7", **header, "seed": 1}),  # type: ignore[arg-type]
    )
    writer.call(1, 0, 1_000, 1, "Workload.look_up")
    writer.packet(1, 1_000, 1, 2, b"question")
    writer.call(2 + shift, 0, 1_500, 9, "Pump._timed_out")
    writer.packet(2 + shift, 1_500, 9, 8, b"unrelated")
    writer.call(3 + shift, 1, 2_000, 2, "Host._receive", b"question")
    writer.packet(3 + shift, 2_000, 2, 3, b"further question")
    writer.call(5 + shift, 2 + shift, 2_500, 8, "Host._receive", b"unrelated")
    writer.call(4 + shift, 3 + shift, 3_000, 3, "Host._receive", b"further question")
    end(writer)
    writer.close()
    return path


def _answers(content: bytes, parent: int = 4) -> Change:
    return lambda writer: writer.packet(parent, 3_000, 3, 2, content)


def test_the_same_traces_are_the_same(tmp_path: Path) -> None:
    difference = first_difference(
        _trace(tmp_path / "a", _answers(b"yes")), _trace(tmp_path / "b", _answers(b"yes"))
    )
    assert difference.same
    assert difference.lines() == ["the same: 9 records"]
    assert difference.document() == {"same": True, "records": 9, "sides": [], "notes": []}


def test_the_first_difference_comes_with_the_chain_of_its_causes(tmp_path: Path) -> None:
    difference = first_difference(
        _trace(tmp_path / "a", _answers(b"yes")), _trace(tmp_path / "b", _answers(b"no!"))
    )
    assert difference.records == 8
    assert difference.first is not None
    told = [cause.text.split(maxsplit=2)[2].split("(")[0].strip() for cause in difference.first.causes]
    assert [text.split("packet")[0].strip() for text in told] == [
        "node 3     receives",
        "node 2     sends",
        "node 2     receives",
        "node 1     sends",
        "node 1     runs Workload.look_up",
    ]
    lines = difference.lines()
    assert lines[0] == "the same for 8 records, then different"
    assert lines[1].startswith("first, a: 0.000003000 s  node 3     sends packet")
    assert sum(line.startswith("  because  ") for line in lines) == 10


def test_a_trace_that_ends_earlier_differs_there(tmp_path: Path) -> None:
    difference = first_difference(
        _trace(tmp_path / "a", _answers(b"yes")), _trace(tmp_path / "b", lambda writer: None)
    )
    assert not difference.same
    assert difference.lines()[-1] == "second, b: nothing more happens"
    assert difference.notes == ()


def test_a_trace_that_was_cut_off_is_said(tmp_path: Path) -> None:
    cut = _trace(tmp_path / "b", lambda writer: None)
    cut.write_bytes(cut.read_bytes()[:-END_BYTES])
    difference = first_difference(_trace(tmp_path / "a", _answers(b"yes")), cut)
    assert not difference.same
    assert "b has no end" in difference.notes[0]


def test_other_numbers_of_events_are_no_difference(tmp_path: Path) -> None:
    plain, shifted = tmp_path / "a", tmp_path / "b"
    _trace(plain, _answers(b"yes"))
    _trace(shifted, _answers(b"yes", parent=1_004), shift=1_000)
    assert first_difference(plain, shifted).same


def test_under_another_cipher_suite_the_bytes_do_not_count(tmp_path: Path) -> None:
    plain = _trace(tmp_path / "a", _answers(b"yes"))
    sealed = _trace(tmp_path / "b", _answers(b"no!"), crypto="real")
    difference = first_difference(plain, sealed)
    assert difference.same
    assert "other cipher suites (simulated, real)" in difference.notes[0]
    longer = _trace(tmp_path / "c", _answers(b"longer"), crypto="real")
    assert not first_difference(plain, longer).same


def test_other_versions_and_scenarios_are_said(tmp_path: Path) -> None:
    a = _trace(tmp_path / "a", _answers(b"yes"))
    b = _trace(tmp_path / "b", _answers(b"yes"), code="sources 2, python 3.11.7", definition="nodes = 3")
    assert first_difference(a, b).notes == (
        "other versions: sources: recorded with 1, here is 2",
        "other scenarios: s and s are not defined alike",
    )


def test_what_is_no_trace_is_named(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("{}")
    with pytest.raises(ConfigError, match="is not a trace"):
        first_difference(_trace(tmp_path / "a", _answers(b"yes")), tmp_path / "b")
