"""The clocks of a simulated host: a monotonic one that may run fast or slow, and a wall clock that may jump.

The world's own time is what the network runs by; a node sees only this. A drifting clock goes on from where it stands
(a monotonic clock never jumps); the wall clock follows it and is put right or wrong by steps.
"""

from __future__ import annotations

from collections.abc import Callable

from .world import UNIX_ORIGIN_S, ScheduledCall, World

ROUNDING_S = 2e-8
"""More than floating point is wrong by after a year of seconds: a call must not come a moment before it is due."""


class HostClock:
    """The port `Clock` of one host."""

    __slots__ = ("_began_s", "_drifts", "_local_s", "_world", "rate", "unix_offset_s")

    def __init__(self, world: World) -> None:
        self.rate = 1.0
        """Local seconds that pass in a second of the world."""
        self.unix_offset_s = 0.0
        """How wrong the wall clock is."""
        self._world = world
        self._drifts = False
        self._began_s = 0.0
        self._local_s = 0.0

    def now(self) -> float:
        """Return monotonic seconds of this host."""
        if not self._drifts:
            return self._world.now()
        return self._local_s + (self._world.now() - self._began_s) * self.rate

    def unix_now(self) -> float:
        """Return wall-clock seconds of this host."""
        return UNIX_ORIGIN_S + self.unix_offset_s + self.now()

    def call_at(self, when: float, callback: Callable[[], None]) -> ScheduledCall:
        """Call back once `now()` has reached `when`."""
        if not self._drifts:
            return self._world.call_at(when, callback)
        world_when = self._began_s + (when - self._local_s) / self.rate + ROUNDING_S
        return self._world.call_at(world_when, callback)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back at this same instant, after everything asked for before."""
        self._world.call_soon(callback)

    def drift(self, rate: float) -> None:
        """Let the clock run at another rate from now on; calls asked for before come when they would have."""
        self._local_s, self._began_s = self.now(), self._world.now()
        self.rate = rate
        self._drifts = True

    def jump(self, by_s: float) -> None:
        """Set the wall clock forward, or back."""
        self.unix_offset_s += by_s
