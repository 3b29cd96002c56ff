"""Find the smallest run that fails as a recorded one did, write its scenario, and say how to repeat it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from ...wire.errors import ConfigError
from ..code_version import code_version, differences
from ..outcome import Failure, Outcome, RunOptions
from ..report.document import read_outcome
from ..run import replay_line, run_outcome
from ..scenario.expectations import UNMEASURED
from ..scenario.reading import write
from ..scenario.schema import Scenario
from .minimise import Fails, ShrinkLimits, ShrinkProgress, Shrunk, minimise

SUFFIX = "-shrunk"
NAME_MAX = 64
"""Characters that the name of a scenario may have."""


def shrink(
    result: Path | Outcome,
    *,
    out: Path | None = None,
    limits: ShrinkLimits | None = None,
    on_progress: Callable[[ShrinkProgress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """Return the smallest failing run found; its scenario is written into the folder `out`.

    `stop` is asked all the time: true ends the search with what was found. Raises ConfigError when nothing failed.
    """
    recorded = result if isinstance(result, Outcome) else read_outcome(result)
    if not recorded.failures:
        raise ConfigError(
            str(result), "nothing failed in that run", "shrink wants the result of one that failed"
        )
    limits = limits or ShrinkLimits()
    wanted = recorded.failures[0]
    scenario = structs.replace(recorded.scenario, name=_name(recorded.scenario.name))
    fails = runner(wanted, recorded.crypto, limits.run_s, stop)
    shrunk = minimise(scenario, recorded.seed, wanted, fails, limits, on_progress, stop=stop)
    return _presented(shrunk, recorded, out)


def runner(wanted: Failure, crypto: str, run_s: float, stop: Callable[[], bool]) -> Fails:
    """Return a function that runs a scenario for a limited time and looks for a failure of the same kind."""

    def fails(scenario: Scenario, seed: int) -> Failure | None:
        deadline = time.monotonic() + run_s
        options = RunOptions(crypto=crypto, stop=lambda: stop() or time.monotonic() > deadline)
        failures = run_outcome(scenario, seed, options).failures
        return next((failure for failure in failures if is_same(failure, wanted)), None)

    return fails


def is_same(failure: Failure, wanted: Failure) -> bool:
    """Tell whether two failures are the same: the same check; for errors, of the same kind.

    A figure that was measured and one that was not are different failures of one expectation: any run measures nothing
    once it is made small enough.
    """
    if failure.check != wanted.check or _is_unmeasured(failure) != _is_unmeasured(wanted):
        return False
    return failure.check != "error" or _kind(failure.message) == _kind(wanted.message)


def _is_unmeasured(failure: Failure) -> bool:
    return failure.message.startswith(UNMEASURED)


def _kind(message: str) -> str:
    return message.split(":")[0]


def _name(name: str) -> str:
    return name if name.endswith(SUFFIX) else name[: NAME_MAX - len(SUFFIX)] + SUFFIX


def _presented(shrunk: Shrunk, recorded: Outcome, out: Path | None) -> Shrunk:
    """Write the scenario, and say how to repeat its run."""
    path = None if out is None else out / f"{shrunk.scenario.name}.toml"
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(shrunk.scenario), encoding="utf-8")
        except OSError as error:
            raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error
    notes = [f"other versions: {text}" for text in differences(recorded.code, code_version())]
    if not shrunk.taken:
        notes.append("nothing smaller fails in this way")
    line = replay_line(replace(recorded, scenario=shrunk.scenario, seed=shrunk.seed))
    if path is not None:
        line = shlex.join(str(path) if word == path.name else word for word in shlex.split(line))
    return replace(shrunk, path=path, line=line, notes=tuple(notes))
