"""How a result of a simulation is printed, and the exit code that goes with it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .exit_codes import ExitCode
from .failure import Failure as Ended
from .output import Environment

if TYPE_CHECKING:
    from ..simulations.outcome import Failure, Outcome

NO_RESULT = "with --out DIR its result can be looked into (replay) and made small (shrink)"

FAILURES_MAX = 10
"""Failures that are printed; the result on disk has them all."""


def show_result(environment: Environment, outcome: Outcome, replay: str, path: Path | None) -> None:
    """Print a result: what ran and the figures as data, failures beside it."""
    document: dict[str, Any] = {**outcome.document(), "replay": replay}
    if path is not None:
        document["path"] = str(path)
    environment.result(document, lambda: environment.fields(_fields(outcome, path)))
    for failure in outcome.failures[:FAILURES_MAX]:
        environment.note(f"failed: {told(failure)}")
    if len(outcome.failures) > FAILURES_MAX:
        environment.note(f"failed: and {len(outcome.failures) - FAILURES_MAX} more")


def _fields(outcome: Outcome, path: Path | None) -> list[tuple[str, str]]:
    from ..simulations.report.figures import texts

    fields = [
        ("scenario", outcome.scenario.name),
        ("seed", str(outcome.seed)),
        ("tier", outcome.tier),
        ("crypto", outcome.crypto),
        ("digest", outcome.digest),
    ]
    fields += [] if path is None else [("result", str(path))]
    return fields + texts(outcome.figures)


def told(failure: Failure) -> str:
    """Say a failure in a line."""
    from ..simulations.report.figures import duration

    place = f"at {duration(failure.at_s)}"
    place += "" if failure.node is None else f", node {failure.node}"
    place += f", event {failure.event}" if failure.event else ""
    return f"{failure.check}: {failure.message} ({place})"


def end_of(outcome: Outcome, replay: str, going_on: str, path: Path | None) -> Ended | None:
    """Return how a command that ran this ends, None when all held; `going_on` says how an interrupted run goes on."""
    if outcome.interrupted:
        from ..simulations.report.figures import duration

        after = duration(round(outcome.figures.get("virtual_s", 0.0)))
        text = f"interrupted after {after} of virtual time; the figures hold what was measured until then"
        return Ended(text, going_on, ExitCode.INTERRUPTED)
    if outcome.failures:
        hint = (
            NO_RESULT
            if path is None
            else f"make it small: {shlex.join(('mesh99', 'sim', 'shrink', str(path)))}"
        )
        return Ended(f"{_failed(outcome.failures)}; replay it: {replay}", hint)
    return None


def _failed(failures: Sequence[Failure]) -> str:
    names = ", ".join(dict.fromkeys(failure.check for failure in failures))
    return f"{len(failures)} failure{'' if len(failures) == 1 else 's'} ({names})"
