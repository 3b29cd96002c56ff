"""Contacts that were in the table and fell silent: one is asked again now and then.

A partition that lasts longer than an eviction takes leaves each side without a contact of the other, and from then on
nobody would ask. Whoever was known for longest is kept, because who was up for long is likeliest to come back; each is
tried with growing pauses, one at a time, and given up after a day. One who answers is back in the table by that, and
knows who else of the other side is near to us.
"""

from __future__ import annotations

from collections.abc import Callable

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .entry import Entry
from .messages import Ping, Reply
from .rpc import Pending
from .search import Context
from .timers import Timer

NEVER = float("inf")


class _Lost:
    """A contact that was evicted: how long it was known to be up, when it is tried next and until when at all."""

    __slots__ = ("contact", "due_at", "known_s", "subnet", "until", "wait_s")

    def __init__(self, entry: Entry, wait_s: float, until: float) -> None:
        self.contact: Contact = entry.contact
        self.subnet = entry.subnet
        self.known_s = entry.last_seen - entry.added_at
        self.wait_s = wait_s
        self.due_at = NEVER
        self.until = until


class Evicted:
    """A bounded list of them; `look_around(now)` is called when one is back."""

    __slots__ = ("_context", "_look_around", "_lost", "_rested_at", "_timer", "_wake_at")

    def __init__(self, context: Context, look_around: Callable[[float], None]) -> None:
        self._context = context
        self._look_around = look_around
        self._lost: dict[NodeId, _Lost] = {}
        self._rested_at = -NEVER
        self._timer: Timer | None = None
        self._wake_at = NEVER

    def __len__(self) -> int:
        return len(self._lost)

    def __contains__(self, node_id: NodeId) -> bool:
        return node_id in self._lost

    def add(self, entry: Entry, now: float) -> None:
        """Keep a member that was evicted; of too many the shortest known is given up, of a subnet the latest."""
        config = self._context.config
        if self._count(entry.subnet) >= config.subnet_bucket_max:
            return
        lost = _Lost(entry, config.evicted_wait_s_min, now + config.evicted_keep_s)
        self._lost[entry.contact.node_id] = lost
        if len(self._lost) > config.evicted_max:
            self._forget(min(self._lost.values(), key=_known_s))
        self._postpone(lost, now)
        self._plan()

    def back(self, node_id: NodeId) -> None:
        """Note that a peer is alive."""
        self._lost.pop(node_id, None)

    # as the one who waits for the answers to its pings

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Look who is around: that one is back can mean that a whole part of the network is."""
        self._look_around(now)

    def slow(self, pending: Pending, now: float) -> None:
        """Go on waiting."""

    def failed(self, pending: Pending, now: float) -> None:
        """Go on waiting: the next try is planned."""

    def _try_one(self, now: float) -> None:
        self._timer = None
        self._wake_at = NEVER
        for lost in [lost for lost in self._lost.values() if lost.until <= now]:
            self._forget(lost)
        first = min(self._lost.values(), key=_due_at, default=None)
        if first is not None and first.due_at <= now:
            self._rested_at = now + self._context.config.evicted_pause_s
            self._postpone(first, now)
            self._context.rpc.ask(first.contact, Ping(), self, now)
        self._plan()

    def _postpone(self, lost: _Lost, now: float) -> None:
        # Halves of a network that lose each other at once should not call each other at once.
        lost.due_at = now + lost.wait_s * self._context.random.uniform(0.5, 1.0)
        lost.wait_s = min(2 * lost.wait_s, self._context.config.evicted_wait_s_max)

    def _plan(self) -> None:
        soonest = min([lost.due_at for lost in self._lost.values()], default=NEVER)
        wake_at = max(soonest, self._rested_at)
        if wake_at >= self._wake_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wake_at = wake_at
        self._timer = self._context.timers.at(wake_at, self._try_one)

    def _count(self, subnet: bytes | None) -> int:
        return sum(lost.subnet == subnet for lost in self._lost.values()) if subnet is not None else 0

    def _forget(self, lost: _Lost) -> None:
        del self._lost[lost.contact.node_id]


def _known_s(lost: _Lost) -> float:
    return lost.known_s


def _due_at(lost: _Lost) -> float:
    return lost.due_at
