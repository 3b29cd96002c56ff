"""Tell readers of peers that come and go, without ever waiting for a slow reader."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .event_queue import EventQueue
from .results import PeerEvent


class PeerEvents:
    """Hand every event to every reader."""

    def __init__(self, pending_max: int) -> None:
        self._pending_max = pending_max
        self._readers: list[EventQueue[PeerEvent]] = []

    def add(self, event: PeerEvent) -> None:
        """Hand on one event."""
        for reader in self._readers:
            reader.add(event)

    def close(self) -> None:
        """End every reader's iteration."""
        for reader in self._readers:
            reader.close()

    def watch(self) -> AsyncIterator[PeerEvent]:
        """Iterate over the events from now on, until the node stops."""
        reader: EventQueue[PeerEvent] = EventQueue(self._pending_max)
        self._readers.append(reader)
        return self._read(reader)

    async def _read(self, reader: EventQueue[PeerEvent]) -> AsyncIterator[PeerEvent]:
        try:
            while (event := await reader.next()) is not None:
                yield event
        finally:
            self._readers.remove(reader)
