"""Tell readers of peers that come and go, without ever waiting for a slow reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from .results import PeerEvent


class PeerEvents:
    """Hand every event to every reader; a reader that does not keep up misses the oldest."""

    def __init__(self, pending_max: int) -> None:
        self._pending_max = pending_max
        self._readers: list[tuple[deque[PeerEvent], asyncio.Event]] = []
        self._closed = False

    def add(self, event: PeerEvent) -> None:
        """Hand on one event."""
        for pending, wake in self._readers:
            pending.append(event)
            wake.set()

    def close(self) -> None:
        """End every reader's iteration."""
        self._closed = True
        for _, wake in self._readers:
            wake.set()

    def watch(self) -> AsyncIterator[PeerEvent]:
        """Iterate over the events from now on, until the node stops."""
        reader: tuple[deque[PeerEvent], asyncio.Event] = (deque(maxlen=self._pending_max), asyncio.Event())
        self._readers.append(reader)
        return self._read(reader)

    async def _read(self, reader: tuple[deque[PeerEvent], asyncio.Event]) -> AsyncIterator[PeerEvent]:
        pending, wake = reader
        try:
            while pending or not self._closed:
                while pending:
                    yield pending.popleft()
                wake.clear()
                if not self._closed:
                    await wake.wait()
        finally:
            self._readers.remove(reader)
