"""Tell how far a run is, often enough for people and seldom enough to cost nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..outcome import Progress, RunOptions

REPORTS = 200
"""Reports of a quick run."""

EVERY_S = 1.0
"""A slow run is reported as often, in real time."""


class Reporter:
    """Call `on_progress` for a run that goes on in so many slices."""

    def __init__(self, options: RunOptions, slices: int, progress: Callable[[], Progress]) -> None:
        self._on_progress = options.on_progress
        self._every = max(1, slices // REPORTS)
        self._progress = progress
        self._slices = 0
        self._reported_at = time.monotonic()

    def slice_done(self) -> None:
        """Report if it is time to."""
        if self._on_progress is None:
            return
        self._slices += 1
        now = time.monotonic()
        if self._slices % self._every == 0 or now - self._reported_at >= EVERY_S:
            self._reported_at = now
            self._on_progress(self._progress())
