"""Timers of a sans-IO object: one heap, polled by `next_timeout()` and run by `run(now)`.

Ties are broken by the order of setting, so that a run is reproducible. Cancelled timers stay in the heap until they
come to its top; their number is bounded by what their owners bound.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Timer:
    """One deadline; `callback` is None once it ran or was cancelled."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[float], None]) -> None:
        self.callback: Callable[[float], None] | None = callback

    def cancel(self) -> None:
        """Never run; no effect on a timer that ran."""
        self.callback = None


class Timers:
    """A heap of deadlines."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = 0

    def at(self, when: float, callback: Callable[[float], None]) -> Timer:
        """Run `callback(now)` at the first `run` that is not before `when`."""
        timer = Timer(callback)
        self._sequence += 1
        heappush(self._heap, (when, self._sequence, timer))
        return timer

    def next_timeout(self) -> float | None:
        """Return the time of the first live timer."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heappop(heap)
        return heap[0][0] if heap else None

    def run(self, now: float) -> None:
        """Run what is due. A timer set meanwhile waits for the next run, so that a run always ends."""
        newest = self._sequence
        later = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            entry = heappop(heap)
            _, sequence, timer = entry
            callback = timer.callback
            if callback is None:
                continue
            if sequence > newest:
                later.append(entry)
                continue
            timer.callback = None
            callback(now)
        for entry in later:
            heappush(heap, entry)
