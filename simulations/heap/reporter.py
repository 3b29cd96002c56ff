"""Tell how far a run is, often enough for people and seldom enough to cost nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..outcome import RunOptions

if TYPE_CHECKING:
    from .simulation import HeapRun

EVERY_SLICES = 10
"""Slices between two reports of a quick run: 200 of them in all."""

EVERY_S = 1.0
"""A slow run is reported as often, in real time."""


class Reporter:
    """Call `on_progress`."""

    def __init__(self, options: RunOptions) -> None:
        self._on_progress = options.on_progress
        self._slices = 0
        self._reported_at = time.monotonic()

    def slice_done(self, run: HeapRun) -> None:
        """Report if it is time to."""
        if self._on_progress is None:
            return
        self._slices += 1
        now = time.monotonic()
        if self._slices % EVERY_SLICES == 0 or now - self._reported_at >= EVERY_S:
            self._reported_at = now
            self._on_progress(run.progress)
