"""The liveness phase: when the last fault is over, lookups are right again within a stated time.

How right they can be is measured before the first fault: 95 % of that must be reached. Until the stated time is over
nothing is judged, from then on every window of lookups.
"""

from __future__ import annotations

from collections import deque

from ..stage import Stage
from .check import Check
from .truth import Truth

SHARE_OF_CLEAN = 0.95
"""What must come back of the success before the faults."""

WINDOW = 100
"""Lookups that are judged together: with 95 % wanted, fewer would be a game of chance."""

WINDOW_MIN = 20
"""Lookups that are judged at the end of a run that had no whole window."""


class Convergence(Check):
    """Right again in time."""

    name = "converged"
    about = f"`converge_within` after the last fault, lookups succeed at least {SHARE_OF_CLEAN:.0%} as often as before"

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        within_s = stage.scenario.checks.converge_within
        quiet = truth.quiet
        self._faults_from_s = quiet.until_s
        self._from_s = float("inf") if within_s is None else quiet.from_s + within_s
        self._before: deque[bool] = deque(maxlen=WINDOW)
        self._after: deque[bool] = deque(maxlen=WINDOW)
        stage.measurements.listeners.append(self._measured)

    @property
    def clean(self) -> float:
        """Success before the faults; 1 when too little was measured."""
        return sum(self._before) / len(self._before) if len(self._before) >= WINDOW_MIN else 1.0

    @property
    def success(self) -> float:
        """Success of the latest lookups after the faults; 1 before any."""
        return sum(self._after) / len(self._after) if self._after else 1.0

    def look_around(self, now_s: float) -> None:
        """Judge the latest window, at the end of the run a smaller one too."""
        ends_s = self.stage.at_phase(self.stage.scenario.duration)
        wanted = WINDOW_MIN if now_s + self.stage.scenario.checks.every > ends_s else WINDOW
        needed = SHARE_OF_CLEAN * self.clean
        if len(self._after) >= wanted and self.success < needed:
            self.violated(
                None,
                f"{self.success:.0%} of the lookups are right, long enough after the last fault; "
                f"it should be {needed:.0%}",
            )
            self._after.clear()

    def _measured(self, kind: str, began_s: float, took_ms: float, hops: int, right: bool) -> None:
        if kind != "lookup":
            return
        if began_s + took_ms / 1000 < self._faults_from_s:
            self._before.append(right)
        elif began_s >= self._from_s:
            self._after.append(right)
