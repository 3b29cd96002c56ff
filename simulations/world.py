"""Virtual time: a heap of (time in nanoseconds, sequence, callback), and randomness that comes from one seed.

The World is the Clock of every simulated node. Time is counted in integers, so that no rounding can change
an order; calls due at the same instant run in the order in which they were asked for. Each node draws from
streams of its own, one a purpose: one draw more here shifts nothing there.

Only the calls of one second are in the heap, those of later ones in a list a second until their time comes: so what a
push or a pop compares is in the processor's cache, also when ten thousand nodes wait for something an hour ahead.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from hashlib import blake2b
from random import Random
from typing import Any, TypeAlias

NANOSECONDS = 1_000_000_000

UNIX_ORIGIN_S = 1_700_000_000.0
"""Wall-clock time at the start of every world: some fixed moment, so that nothing depends on today."""


FLOAT_STEP_NS = 8
"""What a float of seconds still tells apart after some years, in nanoseconds."""

EVENTS_WITHOUT_TIME_MAX = 200_000
"""Calls in one virtual microsecond that show a node asking again and again for a call that is due already."""


Call: TypeAlias = tuple[int, int, Callable[..., object], tuple[Any, ...]]


class ScheduledCall:
    """A call that is due later and can be called off."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def __call__(self) -> None:
        """Make the call, unless it was called off."""
        if self.callback is not None:
            self.callback()

    def cancel(self) -> None:
        """Call it off; its place in the heap stays until its time."""
        self.callback = None


class World:
    """Hold the time, the calls that are due, and the seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now_ns = 0
        self.event = 0
        """Number of the event that runs, or ran last."""
        self._sequence = 0
        self._heap: list[Call] = []
        self._heap_until_ns = NANOSECONDS
        """What is due from then on is in `_later`, by second."""
        self._later: dict[int, list[Call]] = {}
        self._seconds: list[int] = []
        """The seconds in `_later`, as a heap."""

    # Clock

    def now(self) -> float:
        """Return virtual seconds since the start."""
        return self.now_ns / NANOSECONDS

    def unix_now(self) -> float:
        """Return virtual wall-clock seconds."""
        return UNIX_ORIGIN_S + self.now()

    def call_at(self, when: float, callback: Callable[[], None]) -> ScheduledCall:
        """Call back once `now()` has reached `when`."""
        call = ScheduledCall(callback)
        # One more nanosecond: rounded down, the call would come a moment before it is due, for ever.
        time_ns = int(when * NANOSECONDS) + 1
        while time_ns / NANOSECONDS < when:
            # After four months a float no longer tells one nanosecond from the next.
            time_ns += FLOAT_STEP_NS
        self.push(max(time_ns, self.now_ns), call)
        return call

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back at this same instant, after everything asked for before."""
        self.push(self.now_ns, callback)

    # events

    def push(self, time_ns: int, callback: Callable[..., object], *args: Any) -> None:
        """Put a call that nobody will call off into the heap: `callback(*args)`."""
        self._sequence += 1
        call = (time_ns, self._sequence, callback, args)
        if time_ns < self._heap_until_ns:
            heapq.heappush(self._heap, call)
        else:
            self._put_off(call)

    def run_until(self, when: float) -> None:
        """Make every call that is due up to a time, and stand there; raises RuntimeError when time stands still."""
        end_ns = int(when * NANOSECONDS)
        while self._has_more() and self._heap[0][0] <= end_ns:
            began_ns = self.now_ns
            self._run_some(end_ns)
            if self._has_more() and self._heap[0][0] <= min(end_ns, began_ns + 1000):
                raise RuntimeError(
                    f"time stands still after {EVENTS_WITHOUT_TIME_MAX} calls at {self.now():.6f} s"
                )
        self.now_ns = max(self.now_ns, end_ns)

    def step(self) -> bool:
        """Make the next call, whenever it is due; false when there is none. An event loop runs the world by this."""
        if not self._has_more():
            return False
        self.now_ns, self.event, callback, args = heapq.heappop(self._heap)
        callback(*args)
        return True

    def _run_some(self, end_ns: int) -> None:
        heap, pop = self._heap, heapq.heappop
        for _ in range(EVENTS_WITHOUT_TIME_MAX):
            if (not heap and not self._has_more()) or heap[0][0] > end_ns:
                return
            self.now_ns, self.event, callback, args = pop(heap)
            callback(*args)

    def _put_off(self, call: Call) -> None:
        second = call[0] // NANOSECONDS
        calls = self._later.get(second)
        if calls is None:
            calls = self._later[second] = []
            heapq.heappush(self._seconds, second)
        calls.append(call)

    def _has_more(self) -> bool:
        """Tell whether there is another call; after it, the next one is in the heap."""
        if not self._heap and self._seconds:
            second = heapq.heappop(self._seconds)
            self._heap += self._later.pop(second)
            heapq.heapify(self._heap)
            self._heap_until_ns = (second + 1) * NANOSECONDS
        return bool(self._heap)

    # randomness

    def random(self, node: int, purpose: str) -> Random:
        """Return a stream of random numbers for one purpose of one node."""
        return Random(self._derive(node, purpose))

    def entropy(self, node: int) -> Callable[[int], bytes]:
        """Return a node's source of keys and ids: as unpredictable as the seed, which is enough in here."""
        return self.random(node, "entropy").randbytes

    def _derive(self, node: int, purpose: str) -> bytes:
        return blake2b(f"{self.seed}:{node}:{purpose}".encode(), digest_size=32).digest()
