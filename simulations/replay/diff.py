"""Where two runs part: the first record of their traces that is not the same, and what led to it in each.

Event numbers do not count: a change that only asks for a call more, which is then called off, shifts all numbers and
nothing else. Two runs under different cipher suites are compared without the bytes of their packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...wire.errors import ConfigError
from ..code_version import code_version, differences
from ..outcome import Progress, RunOptions
from ..report.document import read_outcome
from ..run import run_outcome
from ..tracing.trace import TraceReader, is_trace
from ..tracing.trace_record import Record
from .causes import causes


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two traces at the place where they part."""

    name: str
    record: Record | None
    """None: the trace has ended."""
    causes: tuple[Record, ...] = ()
    """What led to it, the nearest first."""

    def lines(self) -> list[str]:
        """Say it for people."""
        if self.record is None:
            return [f"{self.name}: nothing more happens"]
        because = [f"  because  {cause.text}" for cause in self.causes]
        return [f"{self.name}: {self.record.text}", *because]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        record = None if self.record is None else self.record.text
        return {"name": self.name, "record": record, "causes": [cause.text for cause in self.causes]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What comparing two traces gave."""

    records: int
    """How many are the same from the start."""
    first: Side | None
    second: Side | None
    notes: tuple[str, ...] = ()
    """What else a reader must know: other code, another seed, a trace that ends early."""

    @property
    def same(self) -> bool:
        """Tell whether the same happened in both."""
        return self.first is None

    def lines(self) -> list[str]:
        """Say it for people."""
        notes = [f"note: {note}" for note in self.notes]
        if self.first is None or self.second is None:
            return [f"the same: {self.records} records", *notes]
        head = f"the same for {self.records} records, then different"
        return [head, *self.first.lines(), *self.second.lines(), *notes]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        sides = [side.document() for side in (self.first, self.second) if side is not None]
        return {"same": self.same, "records": self.records, "sides": sides, "notes": list(self.notes)}


def diff(a: Path, b: Path, *, on_progress: Callable[[Progress], None] | None = None) -> Difference:
    """Compare two traces, or two results, whose runs are then made again; raises ConfigError for what is neither."""
    with TemporaryDirectory(prefix="mesh99-diff-") as folder:
        first = _trace_of(a, Path(folder) / "first", on_progress)
        second = _trace_of(b, Path(folder) / "second", on_progress)
        difference = first_difference(first.path, second.path)
    notes = [
        f"{path.name} was recorded by another version, so this is not what happened then: {text}"
        for path, made in ((a, first), (b, second))
        for text in differences(made.recorded_code, code_version())
    ]
    return replace(difference, notes=(*difference.notes, *notes))


def first_difference(a: Path, b: Path) -> Difference:
    """Compare two trace files; raises ConfigError for what is no trace."""
    first, second = TraceReader(a), TraceReader(b)
    contents = first.header.crypto == second.header.crypto
    records = 0
    parted: tuple[Record | None, Record | None] | None = None
    for left, right in _pairs(first, second):
        if left is None or right is None or not left.same_as(right, contents):
            parted = left, right
            break
        records += 1
    notes = (*_header_notes(first, second), *_end_notes(first, second, parted))
    if parted is None:
        return Difference(records=records, first=None, second=None, notes=notes)
    return Difference(
        records=records,
        first=_side("first", first, parted[0]),
        second=_side("second", second, parted[1]),
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class _Made:
    path: Path
    recorded_code: str


def _trace_of(path: Path, place: Path, on_progress: Callable[[Progress], None] | None) -> _Made:
    """Return a trace itself, or one of a result's run, made now."""
    if _is_trace(path):
        return _Made(path, code_version())
    recorded = read_outcome(path)
    place.mkdir()
    trace = place / path.stem
    options = RunOptions(crypto=recorded.crypto, on_progress=on_progress, trace=trace)
    run_outcome(recorded.scenario, recorded.seed, options)
    return _Made(trace, recorded.code)


def _is_trace(path: Path) -> bool:
    try:
        return is_trace(path)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror or error}") from error


def _pairs(first: TraceReader, second: TraceReader) -> Iterator[tuple[Record | None, Record | None]]:
    yield from zip_longest(first, second)


def _side(name: str, trace: TraceReader, record: Record | None) -> Side:
    name = f"{name}, {trace.path.name}"
    if record is None:
        return Side(name=name, record=None)
    return Side(name=name, record=record, causes=causes(trace, record))


def _header_notes(first: TraceReader, second: TraceReader) -> list[str]:
    a, b = first.header, second.header
    notes = [f"other versions: {difference}" for difference in differences(a.code, b.code)]
    if a.seed != b.seed:
        notes.append(f"other seeds: {a.seed} and {b.seed}")
    if a.definition != b.definition or a.scenario != b.scenario:
        notes.append(f"other scenarios: {a.scenario} and {b.scenario} are not defined alike")
    if a.crypto != b.crypto:
        notes.append(f"other cipher suites ({a.crypto}, {b.crypto}): the bytes of packets were not compared")
    return notes


def _end_notes(
    first: TraceReader, second: TraceReader, parted: tuple[Record | None, Record | None] | None
) -> list[str]:
    ended = [(first, parted is None or parted[0] is None), (second, parted is None or parted[1] is None)]
    return [
        f"{trace.path.name} has no end: its run was killed, or still goes on"
        for trace, at_its_end in ended
        if at_its_end and not trace.complete
    ]
