"""How fast the cores are at this moment: whoever else uses a rented machine shows only there.

A virtual core is a thread of a real one. What runs on the other thread, in another virtual machine, is in no counter of
this one, and makes a core 1.6 times slower, for seconds at a time. So a fixed piece of work is timed on each core and
compared with the best time it ever took.
"""

from __future__ import annotations

import os
import time

SLOW_MAX = 1.2
"""Times its best lap that a core may take: left alone it took 1.0 to 1.1 of it, beside others 1.6 to 1.7."""
LAPS = 5
LAP_STEPS = 10_000  # 0.3 ms


class Pace:
    """The best lap of each core so far."""

    def __init__(self) -> None:
        self._best_s: dict[int, float] = {}

    def slowdown(self) -> float:
        """Return how many times slower than at its best the slowest core is now."""
        allowed = os.sched_getaffinity(0)
        try:
            return max(self._slowdown_of(cpu) for cpu in sorted(allowed))
        finally:
            os.sched_setaffinity(0, allowed)

    def _slowdown_of(self, cpu: int) -> float:
        os.sched_setaffinity(0, {cpu})
        lap_s = min(_lap_s() for _ in range(LAPS))
        self._best_s[cpu] = min(lap_s, self._best_s.get(cpu, lap_s))
        return lap_s / self._best_s[cpu]


def _lap_s() -> float:
    """Do the fixed piece of work."""
    start_s = time.perf_counter()
    total = 0
    for step in range(LAP_STEPS):
        total += step
    return time.perf_counter() - start_s


PACE = Pace()
"""Of this machine: one for all who ask, for the best lap is known the better the more were run."""
