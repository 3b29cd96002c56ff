"""Keep the next deadline of many objects in one heap.

Entries are never searched for: an object's armed deadline is remembered on the object, and an entry that no longer
matches it is skipped when it comes to the top. A deadline that moved later is found out when the early entry fires.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """An object with a deadline of its own."""

    armed: float | None

    def next_timeout(self) -> float | None: ...


T = TypeVar("T", bound=Timed)


class Deadlines(Generic[T]):
    """Find which of many objects are due."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._sequence = 0

    def arm(self, item: T) -> None:
        """Note the item's next timeout if it is earlier than what is armed for it."""
        deadline = item.next_timeout()
        if deadline is None or (item.armed is not None and item.armed <= deadline):
            return
        item.armed = deadline
        self._sequence += 1
        heappush(self._heap, (deadline, self._sequence, item))

    def next_timeout(self) -> float | None:
        """Return the earliest armed deadline; it may prove too early, never too late."""
        heap = self._heap
        while heap and heap[0][2].armed != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def take_due(self, now: float) -> list[T]:
        """Remove and return the items whose deadline has come, earliest first; arm each again after handling it."""
        due: list[T] = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            deadline, _, item = heappop(heap)
            if item.armed != deadline:
                continue
            item.armed = None
            actual = item.next_timeout()
            if actual is not None and actual > now:
                self.arm(item)
            elif actual is not None:
                due.append(item)
        return due

    def forget(self, item: T) -> None:
        """Drop what is armed for the item."""
        item.armed = None
