"""Rounds interleaved over the systems (A B C, A B C): a slow minute of the machine hits all alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from .child import ChildFailed
from .quiet import is_disturbed
from .system import System

Round = dict[str, dict[str, Any]]  # figures by case
FAILED = "failed: "


@dataclass(slots=True)
class Outcome:
    """What came of one system: its rounds, or why there are none."""

    system: System
    status: str = "ok"
    rounds: list[Round] = field(default_factory=list)

    def values(self, case: str, key: str) -> list[Any]:
        """Collect one figure of one case, a value a round (None where a round lacks it)."""
        return [figures[case].get(key) for figures in self.rounds]

    def disturbed(self, case: str) -> int:
        """Count the rounds in which others kept the machine busy."""
        both = zip(self.values(case, "foreign_cores"), self.values(case, "slowdown"), strict=True)
        return sum(is_disturbed(cores, slowdown) for cores, slowdown in both)


def run_rounds(systems: list[System], count: int, measure: Callable[[System], Round]) -> list[Outcome]:
    """Measure each system `count` times; one that fails does not stop the others."""
    outcomes = [Outcome(system, system.missing() or "ok") for system in systems]
    for number in range(1, count + 1):
        for outcome in outcomes:
            if outcome.status != "ok":
                continue
            click.echo(f"round {number}/{count}: {outcome.system.name}", err=True)
            try:
                outcome.rounds.append(measure(outcome.system))
            except ChildFailed as error:
                outcome.status = FAILED + str(error)
                click.echo(outcome.status, err=True)
    return outcomes


def exit_code(outcomes: list[Outcome], nothing_may_miss: bool) -> int:
    """Return 1 when a system failed, or when one is missing although nothing may."""
    if any(outcome.status.startswith(FAILED) for outcome in outcomes):
        return 1
    return int(nothing_may_miss and any(outcome.status != "ok" for outcome in outcomes))
