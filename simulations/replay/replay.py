"""Run a recorded run again, look whether the same happens, and show what led to its failure.

The recorded result holds the whole scenario and the seed. Within one version of the code and the libraries the same
packets are sent at the same nanoseconds; when the versions differ, that is said, and a difference proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..code_version import code_version, differences
from ..outcome import Failure, Outcome, Progress, RunOptions
from ..report.document import read_outcome
from ..report.figures import BASELINE
from ..run import run_outcome
from ..tracing.trace import TraceReader
from ..tracing.trace_record import NANOSECONDS, Kind, Record
from .causes import causes, last_before

LAST_MAX = 20
"""Records before a failure that are shown."""

BEFORE_S = 60.0
"""How long before the failure the trace begins: what happened earlier is seldom its cause, and fills the disk."""

FIGURES_OF_THE_MACHINE = ("wall_s", "peak_rss_mb", "virtual_h_per_cpu_s")
"""Figures that say how fast the run was, not what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A run that was made again."""

    recorded: Outcome
    outcome: Outcome
    differences: tuple[str, ...]
    """In what the two results differ; empty when the run was the same."""
    versions: tuple[str, ...]
    """In what the code and the libraries differ."""
    failure: Failure | None
    """The first one, which is explained below."""
    last: tuple[Record, ...] = ()
    """What happened last before the failure, at its node if it has one."""
    causes: tuple[Record, ...] = ()
    """What led to the event during which the failure was seen, the nearest first."""

    @property
    def same(self) -> bool:
        """Tell whether the same happened again."""
        return not self.differences

    def lines(self) -> list[str]:
        """Say it for people."""
        head = ["the same again"] if self.same else [f"different: {text}" for text in self.differences]
        head += [f"note: other versions: {text}" for text in self.versions]
        if self.failure is None:
            return [*head, "nothing failed"]
        head.append(f"{self.failure.check} failed at {self.failure.at_s:.3f} s: {self.failure.message}")
        last = ["what happened last:", *(f"  {record.text}" for record in self.last)] if self.last else []
        chain = ["because of:", *(f"  {record.text}" for record in self.causes)] if self.causes else []
        return [*head, *last, *chain]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "same": self.same,
            "differences": list(self.differences),
            "versions": list(self.versions),
            "last": [record.text for record in self.last],
            "causes": [record.text for record in self.causes],
            "outcome": self.outcome.document(),
        }


def replay(
    result: Path | Outcome, *, on_progress: Callable[[Progress], None] | None = None, last: int = LAST_MAX
) -> Replayed:
    """Run a recorded result again and compare; raises ConfigError for a file that is none."""
    recorded = result if isinstance(result, Outcome) else read_outcome(result)
    expected = recorded.failures[0] if recorded.failures else None
    with TemporaryDirectory(prefix="mesh99-replay-") as folder:
        path = Path(folder) / "trace" if expected is not None else None
        options = RunOptions(crypto=recorded.crypto, on_progress=on_progress, trace=path)
        if expected is not None:
            options.trace_from_s = max(0.0, expected.at_s - BEFORE_S)
        outcome = run_outcome(recorded.scenario, recorded.seed, options)
        failure = outcome.failures[0] if outcome.failures else None
        explained = _explain(path, failure, last) if path is not None and failure is not None else ((), ())
    return Replayed(
        recorded=recorded,
        outcome=outcome,
        differences=tuple(_differences(recorded, outcome)),
        versions=differences(recorded.code, code_version()),
        failure=failure,
        last=explained[0],
        causes=explained[1],
    )


def _differences(recorded: Outcome, outcome: Outcome) -> list[str]:
    found = []
    if recorded.interrupted:
        found.append("the recorded run was ended before its time, so only its beginning can be the same")
    if recorded.digest != outcome.digest:
        found.append(f"digest {recorded.digest[:16]} was recorded, {outcome.digest[:16]} came out")
    if recorded.failures != outcome.failures:
        found.append(
            f"failures recorded: {_names(recorded.failures)}; failures now: {_names(outcome.failures)}"
        )
    # The stock library ran beside it, and does not run again.
    ours = [name for name in recorded.figures if not name.startswith(BASELINE)]
    figures = [name for name in ours if name not in FIGURES_OF_THE_MACHINE]
    for name in figures:
        before, now = recorded.figures[name], outcome.figures.get(name)
        # NaN, a figure of which nothing was measured, is not equal to itself.
        if before != now and not (before != before and now != now):
            found.append(f"{name} was {before}, is {now}")
    return found


def _names(failures: tuple[Failure, ...]) -> str:
    return ", ".join(f"{failure.check} at {failure.at_s:.3f} s" for failure in failures) or "none"


def _explain(path: Path, failure: Failure, count: int) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Return the last records before a failure, and the causes of the event during which it was seen."""
    if not path.exists():
        return (), ()
    trace = TraceReader(path)
    last, seen = last_before(trace, count, lambda record: _is_at(record, failure), _concerns(failure))
    if failure.event and seen is not None:
        last.append(seen)
    # A check is looked at by the world's own timer, which no packet caused; what its node did last has causes.
    told = [record for record in last if record.node == (failure.node or record.node)]
    return tuple(last), causes(trace, told[-1]) if told else ()


def _is_at(record: Record, failure: Failure) -> bool:
    if failure.event:
        return record.kind is Kind.CALL and record.event == failure.event
    return record.time_ns > failure.at_s * NANOSECONDS


def _concerns(failure: Failure) -> Callable[[Record], bool]:
    if failure.node is None:
        return lambda record: True
    return lambda record: failure.node in (record.node, record.receiver)
