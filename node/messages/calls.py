"""Requests that await their replies: ids, deadlines, and who is told.

One deadline is watched for all. It is a lower bound: an answered request leaves no trace to tidy up, and when the
bound comes up, what is still there is looked through once and the next bound found. Requests whose deadlines lie close
together end together, a moment late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from ...wire.errors import ConfigError, DeadlineExceeded, DecodeError, MeshError, NoPath, QueueFull
from ...wire.identity import NodeId
from .envelope import ERROR, Envelope, decode_error

Told = Callable[[Envelope | None, MeshError | None], None]
"""Told once: the reply, or why there is none."""

ID_MASK = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsConfig:
    """Bound the requests under way."""

    pending_max: int = 65_536
    """Requests that may await replies; further ones raise QueueFull. Raising it costs memory: 500 bytes each."""

    late_s: float = 0.02
    """How late a deadline may be noticed. Lowering it costs a look at all requests for each one that runs out."""

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        if self.pending_max < 1:
            raise ConfigError("pending_max", "must be at least 1")
        if self.late_s < 0:
            raise ConfigError("late_s", "must not be negative")


class Call(NamedTuple):
    """One request under way."""

    peer: NodeId
    deadline: float
    told: Told
    type_name: str
    timeout_s: float


class PendingCalls:
    """Match replies to requests."""

    def __init__(self, first_id: int, config: CallsConfig | None = None) -> None:
        self._config = config or CallsConfig()
        self._next_id = first_id & ID_MASK
        self._pending: dict[int, Call] = {}
        self._look_at = inf
        self.dropped: Counter[str] = Counter()
        """Replies that nobody awaited, by reason."""

    def __len__(self) -> int:
        return len(self._pending)

    def next_id(self) -> int:
        """Return an id that no other message of this process has."""
        message_id = self._next_id
        self._next_id = (message_id + 1) & ID_MASK
        return message_id

    def add(
        self, peer: NodeId, message_id: int, type_name: str, timeout_s: float, now: float, told: Told
    ) -> None:
        """Begin to wait for the reply of a peer; raises QueueFull."""
        if len(self._pending) >= self._config.pending_max:
            raise QueueFull("the table of requests under way", self._config.pending_max)
        deadline = now + timeout_s
        self._pending[message_id] = Call(peer, deadline, told, type_name, timeout_s)
        if deadline < self._look_at:
            self._look_at = deadline

    def cancel(self, message_id: int) -> None:
        """Wait no longer, and tell nobody."""
        self._pending.pop(message_id, None)

    def receive(self, envelope: Envelope, sender: NodeId) -> None:
        """Take in a reply or an error. What nobody awaits, or comes from another peer than was asked, is dropped."""
        call = self._pending.get(envelope.id)
        if call is None:
            self.dropped["unawaited"] += 1
        elif call.peer != sender:
            self.dropped["wrong_peer"] += 1
        else:
            del self._pending[envelope.id]
            if envelope.kind == ERROR:
                call.told(None, _error_in(envelope))
            else:
                call.told(envelope, None)

    def peer_lost(self, peer: NodeId, error: MeshError | None = None) -> None:
        """Fail at once what awaits a peer that is gone, with NoPath unless an error is given."""
        lost = [message_id for message_id, call in self._pending.items() if call.peer == peer]
        self._fail(lost, lambda call: error or NoPath(peer.short))

    def close(self, error: MeshError) -> None:
        """Fail all that is pending."""
        self._fail(list(self._pending), lambda call: error)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; it may find that nothing is."""
        return self._look_at if self._pending else None

    def handle_timeout(self, now: float) -> None:
        """Fail what had its time."""
        if now < self._look_at:
            return
        due = [message_id for message_id, call in self._pending.items() if call.deadline <= now]
        later = min((call.deadline for call in self._pending.values() if call.deadline > now), default=inf)
        self._look_at = max(later, now + self._config.late_s)
        self._fail(due, lambda call: DeadlineExceeded(f"reply to {call.type_name}", call.timeout_s))

    def _fail(self, message_ids: list[int], error_of: Callable[[Call], MeshError]) -> None:
        for message_id in message_ids:
            call = self._pending.pop(message_id, None)  # one who is told may cancel others
            if call is not None:
                call.told(None, error_of(call))


def _error_in(envelope: Envelope) -> MeshError:
    try:
        return decode_error(envelope.body)
    except DecodeError as error:
        return error
