"""What a run changes in its process, and puts back: Python's garbage collector, and how many contacts are shared.

The collector looks at every object again and again, and a run has tens of millions that stay to its end: left alone it
takes a third of the time. So what is there when the network stands is set aside (frozen), and collections are rare. A
host that goes leaves circles of objects behind, which only a look at everything finds; that is done when enough have
gone.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from ...wire.memo import remember_at_least
from .large_pages import LargePages

THRESHOLDS = (50_000, 50, 1_000)
"""Objects made between two collections, and how many of one generation make one of the next (else 700, 10, 10)."""

GONE_SHARE = 0.25
"""Hosts that went since the last look at everything, as a share of those that are up, until the next."""


SHARED_PER_NODE = 2
"""Contacts shared for each node of the start: churn and crowds bring more nodes than there are at a time."""


class Collector:
    """Slow the collector down while a run goes on, and leave it as it was; what is set aside stays in large pages."""

    def __init__(self) -> None:
        self._large_pages = LargePages()
        self._thresholds = gc.get_threshold()
        self._frozen = False
        self._gone = 0

    def __enter__(self) -> Collector:
        self._thresholds = gc.get_threshold()
        gc.set_threshold(*THRESHOLDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._frozen:
            gc.unfreeze()
        gc.set_threshold(*self._thresholds)

    def set_aside(self) -> None:
        """Do not look any more at what is there now."""
        gc.collect()
        gc.freeze()
        self._frozen = True
        self._large_pages.gather()

    def look(self, departures: int, population: int) -> None:
        """Look at everything when enough hosts have gone; from time to time, at how memory has grown."""
        self._large_pages.gather()
        if self._frozen and departures - self._gone > GONE_SHARE * population:
            self._gone = departures
            gc.unfreeze()
            self.set_aside()


@contextmanager
def shared_contacts(nodes: int) -> Iterator[None]:
    """Keep one Contact a node for all tables of the process, instead of one in each that knows the node."""
    remember_at_least(SHARED_PER_NODE * nodes)
    try:
        yield
    finally:
        remember_at_least(0)
