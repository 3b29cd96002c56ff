"""Publications of a node that speaks IPv4 and IPv6: each goes into the queue of either family, and is settled by both.

Those that wait in a queue are stored together like any others; that some are due soon, only a queue alone may use.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from ..wire.record import Record
from .gathering import Take, gather_holders
from .put import PutResult
from .region_queue import RegionQueue, Renewable
from .region_store import Errand


class Queue(Protocol):
    """Where publications wait to be stored."""

    def add(self, publication: Renewable, errand: Errand, now: float) -> None:
        """Store the record of a publication as soon as there is a turn for it."""
        ...

    def remove(self, publication: Renewable, key: int) -> None:
        """Forget a publication."""
        ...


def queue_for(queues: Sequence[RegionQueue]) -> Queue:
    """Return one queue for those of all address families."""
    return queues[0] if len(queues) == 1 else QueuePair(queues)


class Half:
    """A publication as one family sees it: only what was added is ready."""

    def soon_due(self, now: float) -> bool:
        """Return False: it is renewed in both families at once, when its publication says so."""
        return False

    def errand(self, now: float) -> Errand:
        """Never asked for."""
        raise AssertionError("what is not due soon is not renewed early")


class QueuePair:
    """Put each publication into all queues."""

    __slots__ = ("_halves", "_queues")

    def __init__(self, queues: Sequence[RegionQueue]) -> None:
        self._queues = queues
        self._halves: dict[Renewable, list[Half]] = {}

    def add(self, publication: Renewable, errand: Errand, now: float) -> None:
        """Store the record in each family; what became of it is told when all are done."""
        take = gather_holders(len(self._queues), errand.ended)
        halves = self._halves.setdefault(publication, [Half() for _ in self._queues])
        for queue, half in zip(self._queues, halves, strict=True):
            queue.add(half, Errand(errand.record, partial(_ended, take), widens=errand.widens), now)

    def remove(self, publication: Renewable, key: int) -> None:
        """Forget a publication."""
        for queue, half in zip(self._queues, self._halves.pop(publication, []), strict=False):
            queue.remove(half, key)


def _ended(take: Take[PutResult], record: Record, result: PutResult, now: float) -> None:
    take(result, now)
