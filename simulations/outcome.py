"""What a run gives: figures, a digest, curves, failures, and the line that repeats it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .scenario.run_line import run_line
from .scenario.schema import Scenario
from .scenario.writing import write

Curve = Sequence[tuple[float, float]]
"""Points (x, y); x is virtual seconds since measuring began, unless the name says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that must hold and did not: an invariant, the liveness phase, an expectation, an error."""

    check: str
    """Name of the invariant, of the figure, or `error`."""
    at_s: float
    """Virtual time."""
    event: int
    """Number of the event (see tracing/trace.py) during which it was seen; 0 when it belongs to none."""
    node: int | None
    """Index of the node, if it is about one."""
    message: str
    """What was seen and what should have been, in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one run; equal arguments give an equal one, but for the figures of the machine (`wall_s` ...)."""

    scenario: Scenario
    seed: int
    tier: str
    crypto: str
    digest: str
    """Over every packet: time, sender, receiver, bytes."""
    events_digest: str
    """The same without the bytes: equal under the simulated and the real cipher suite."""
    figures: dict[str, float]
    curves: dict[str, Curve] = field(default_factory=dict)
    """Time series and distributions for plots: `lookup_success`, `population`, `latency_cdf`, ..."""
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False
    """It was ended before its time; the figures hold what was measured until then."""
    code: str = ""
    """Hash of the package's sources, and versions of Python and the libraries: identity is promised within these."""

    @property
    def passed(self) -> bool:
        """Tell whether everything held."""
        return not self.failures

    def document(self) -> dict[str, Any]:
        """Return the JSON form, with the line that replays it and the scenario as TOML; what is not finite is null."""
        return {
            "digest": self.digest,
            "events_digest": self.events_digest,
            "scenario": self.scenario.name,
            "seed": self.seed,
            "tier": self.tier,
            "crypto": self.crypto,
            "figures": {name: _finite(value) for name, value in self.figures.items()},
            "failures": [asdict(failure) for failure in self.failures],
            "interrupted": self.interrupted,
            "code": self.code,
            "replay": run_line(self.scenario, self.seed, self.crypto),
            "definition": write(self.scenario),
            "curves": {
                name: [(_finite(x), _finite(y)) for x, y in curve] for name, curve in self.curves.items()
            },
        }


def _finite(value: float) -> float | None:
    """Return a number as JSON has it, which knows no NaN and no infinity."""
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is; given to `RunOptions.on_progress` about 200 times, and at least each real second."""

    virtual_s: float
    total_s: float
    population: int
    operations: int
    succeeded: int


@dataclass(slots=True, kw_only=True)
class RunOptions:
    """How to run, as far as it does not change what happens."""

    crypto: str = "simulated"
    """`simulated` or `real` cipher suite; the order of events is the same."""
    on_progress: Callable[[Progress], None] | None = None
    trace: Path | None = None
    """Write every event there (tracing/trace.py)."""
    trace_from_s: float = 0.0
    """Virtual time at which the trace begins: the end of a long run is what shows why it failed."""
    checkpoint: Path | None = None
    """When the run is ended before its time, put it aside there, so that it can go on (checkpoint/checkpoint.py)."""
    stop: Callable[[], bool] = lambda: False
    """Asked between slices of a run: true ends it with what was measured so far (Ctrl-C)."""
