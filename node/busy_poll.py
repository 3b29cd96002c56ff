"""Stay awake for an answer that is about to come.

When packets follow each other within a fraction of a millisecond, most of a round trip is spent in falling asleep and
waking up: the processor's idle states, and caches gone cold. So after sending, the loop keeps turning for a moment
instead of sleeping, as long as that pays: only when the last answer came within the limit, and after a wait in vain
not again for a growing number of packets. A quiet node never does it. It gives its core away at each turn to whoever
wants it.
"""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop
from collections.abc import Callable

PAUSE_MIN = 16
PAUSE_MAX = 4096
"""Packets sent without staying awake after a wait in vain; doubles with each in a row, so that losing is rare."""

_give_way: Callable[[], None] = getattr(os, "sched_yield", lambda: None)


class BusyPoll:
    """Keep one loop awake between sending and hearing."""

    __slots__ = (
        "_awake",
        "_limit_s",
        "_loop",
        "_now",
        "_pause",
        "_pause_next",
        "_sent_at",
        "_until",
        "_worth",
    )

    def __init__(self, loop: AbstractEventLoop, now: Callable[[], float], limit_s: float) -> None:
        self._loop = loop
        self._now = now
        self._limit_s = limit_s
        self._sent_at = 0.0
        self._until = 0.0
        self._worth = False
        """The last answer came within the limit."""
        self._awake = False
        self._pause = 0
        self._pause_next = PAUSE_MIN

    def sent(self) -> None:
        """Note that a packet left: an answer may be near."""
        self._sent_at = self._now()
        if not self._worth:
            return
        if self._pause:
            self._pause -= 1
            return
        self._until = self._sent_at + self._limit_s
        if not self._awake:
            self._awake = True
            self._loop.call_soon(self._turn)

    def heard(self) -> None:
        """Note that something arrived."""
        self._worth = self._now() - self._sent_at < self._limit_s
        if self._awake:
            self._until = 0.0
            self._pause_next = PAUSE_MIN

    def _turn(self) -> None:
        if not self._until:
            self._awake = False
        elif self._now() < self._until:
            _give_way()
            self._loop.call_soon(self._turn)
        else:
            self._awake = self._worth = False
            self._pause = self._pause_next
            self._pause_next = min(2 * self._pause_next, PAUSE_MAX)
