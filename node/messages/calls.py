"""Requests that await their replies: ids, deadlines, and who is told.

One deadline is watched for all: a heap of deadlines, from whose head the requests that were answered are dropped as new
ones are made, so that it holds little more than what is under way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from ...wire.errors import ConfigError, DeadlineExceeded, DecodeError, MeshError, NoPath, QueueFull
from ...wire.identity import NodeId
from .envelope import ERROR, Envelope, decode_error

Told = Callable[[Envelope | None, MeshError | None], None]
"""Told once: the reply, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsConfig:
    """Bound the requests under way."""

    pending_max: int = 65_536
    """Requests that may await replies; further ones are refused. Raising it costs about 500 bytes each."""

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        if self.pending_max < 1:
            raise ConfigError("calls.pending_max", "must be at least 1")


class PendingCalls:
    """Match replies to requests."""

    def __init__(self, first_id: int, config: CallsConfig | None = None) -> None:
        self._config = config or CallsConfig()
        self._next_id = first_id
        self._pending: dict[int, tuple[NodeId, Told, str, float]] = {}
        """By id: the peer asked, who is told, the type asked for, the time-out."""
        self._deadlines: list[tuple[float, int]] = []
        self.unexpected = 0

    def __len__(self) -> int:
        return len(self._pending)

    def next_id(self) -> int:
        """Return an id that no other message of this process's life has."""
        self._next_id = (self._next_id + 1) & 0xFFFF_FFFF_FFFF_FFFF
        return self._next_id

    def add(
        self, peer: NodeId, message_id: int, type_name: str, timeout_s: float, now: float, told: Told
    ) -> None:
        """Begin to wait for the reply of a peer; raises QueueFull."""
        pending = self._pending
        if len(pending) >= self._config.pending_max:
            raise QueueFull("the table of requests under way", self._config.pending_max)
        pending[message_id] = (peer, told, type_name, timeout_s)
        deadlines = self._deadlines
        while deadlines and deadlines[0][1] not in pending:
            heappop(deadlines)
        heappush(deadlines, (now + timeout_s, message_id))

    def cancel(self, message_id: int) -> None:
        """Wait no longer; a late reply counts as unexpected."""
        self._pending.pop(message_id, None)

    def receive(self, envelope: Envelope, sender: NodeId) -> None:
        """Take in a reply or an error; from anybody but the peer asked it is counted and dropped."""
        pending = self._pending.get(envelope.id)
        if pending is None or pending[0] != sender:
            self.unexpected += 1
            return
        del self._pending[envelope.id]
        told = pending[1]
        if envelope.kind != ERROR:
            told(envelope, None)
            return
        try:
            told(None, decode_error(envelope.body))
        except DecodeError as broken:
            told(None, broken)

    def peer_lost(self, peer: NodeId) -> None:
        """Fail what awaits a peer that is gone."""
        for message_id in [message_id for message_id, pending in self._pending.items() if pending[0] == peer]:
            self._pending.pop(message_id)[1](None, NoPath(peer.short))

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; it may prove too early, never too late."""
        return self._deadlines[0][0] if self._deadlines else None

    def handle_timeout(self, now: float) -> None:
        """Fail what had its time."""
        while self._deadlines and self._deadlines[0][0] <= now:
            pending = self._pending.pop(heappop(self._deadlines)[1], None)
            if pending is not None:
                _, told, type_name, timeout_s = pending
                told(None, DeadlineExceeded(f"reply to {type_name}", timeout_s))
