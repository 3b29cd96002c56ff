"""Events for one reader, who is never waited for: when he does not keep up he misses the oldest."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class EventQueue(Generic[T]):
    """A bounded queue between a source that never waits and a reader that does."""

    def __init__(self, pending_max: int) -> None:
        self._pending: deque[T] = deque(maxlen=pending_max)
        self._wake = asyncio.Event()
        self._closed = False

    def add(self, event: T) -> None:
        """Hand on one event."""
        self._pending.append(event)
        self._wake.set()

    def close(self) -> None:
        """Let the reader end once he has read what is there."""
        self._closed = True
        self._wake.set()

    async def next(self) -> T | None:
        """Wait for the next event; None at the end."""
        while not self._pending:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._pending.popleft()
