"""Upkeep of the routing table: pings to silent contacts, second looks at failed ones, refresh of quiet buckets.

Any traffic counts as a sign of life, so in use nothing is pinged, and at rest one of two neighbours pings for both.
Between due moments no timer is set: a node at rest sleeps for minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from ..wire.identity import NodeId
from .bucket import Entry
from .distance import ID_BITS, number_of, random_number_at, shared_prefix_bits
from .messages import Ping
from .rpc import INDIFFERENT
from .search import Context
from .timers import Timer

JITTER = 0.1  # part of an interval, so that nodes that started together drift apart
PING_PAUSE_S = 1.0  # between bursts of pings_max
_LAST_SEEN = attrgetter("last_seen")


class Maintenance:
    """Keeps the table alive; `look_up(target, now)` starts a lookup nobody waits for."""

    __slots__ = ("_check_at", "_check_timer", "_context", "_look_up", "_looked_up", "_refresh_timer")

    def __init__(self, context: Context, look_up: Callable[[bytes, float], None]) -> None:
        self._context = context
        self._look_up = look_up
        self._looked_up: dict[int, float] = {}
        self._check_at = float("inf")
        self._check_timer: Timer | None = None
        self._refresh_timer: Timer | None = None

    def joined(self, now: float) -> None:
        """Note that the table has a new contact."""
        self._check_no_later_than(now + self._spread(self._context.config.silent_s_max))
        if self._refresh_timer is None:
            self._refresh_timer = self._context.timers.at(
                now + self._spread(self._context.config.refresh_s), self._refresh
            )

    def failed(self, retry_at: float) -> None:
        """Note that a contact failed and deserves a second look."""
        self._check_no_later_than(retry_at)

    def doubt(self, node_id: NodeId, now: float) -> None:
        """Ping a contact soon, unless it has just failed and will be looked at again anyway."""
        entry = self._context.table.find(node_id)
        if entry is not None and self._context.rpc.timing.avoided_until(node_id) <= now:
            entry.last_seen = entry.checked_at = float("-inf")
            self._check_no_later_than(now)

    def looked_up(self, target: int, now: float) -> None:
        """Note that a lookup passes through the bucket of a target."""
        self._looked_up[shared_prefix_bits(target, number_of(self._context.own_id))] = now

    def refresh_targets(self, now: float, quiet_s: float = 0.0) -> list[bytes]:
        """Return a random target in each far bucket without a lookup for `quiet_s`."""
        own = number_of(self._context.own_id)
        return [
            random_number_at(own, prefix_bits, self._context.random).to_bytes(ID_BITS // 8, "big")
            for prefix_bits in self._context.table.far_prefixes()
            if self._looked_up.get(prefix_bits, float("-inf")) <= now - quiet_s
        ]

    def _check(self, now: float) -> None:
        context = self._context
        self._check_timer = None
        self._check_at = float("inf")
        context.store.expire(now)
        entries = list(context.table)
        due = sorted((entry for entry in entries if self._due_at(entry) <= now), key=_LAST_SEEN)
        due = due[: context.config.pings_max]
        for entry in due + self._witness(entries, due):
            entry.checked_at = now
            context.rpc.ask(entry.contact, Ping(), INDIFFERENT, now)
        if entries:
            soonest = min(self._due_at(entry) for entry in entries)
            self._check_no_later_than(max(now + PING_PAUSE_S, soonest))

    @staticmethod
    def _witness(entries: list[Entry], due: list[Entry]) -> list[Entry]:
        """Return a lively contact to ping beside the silent: its answer shows that our own network is up."""
        if not due:
            return []
        lively = [entry for entry in entries if not entry.failures and entry not in due]
        return [max(lively, key=_LAST_SEEN)] if lively else []

    def _due_at(self, entry: Entry) -> float:
        """Return when an entry should be pinged: after a silence, or when its time-out as a failed one is over."""
        config = self._context.config
        rested_at = max(
            entry.checked_at + config.avoid_s_min,
            self._context.rpc.timing.avoided_until(entry.contact.node_id),
        )
        return rested_at if entry.failures else max(rested_at, entry.last_seen + config.silent_s_max)

    def _check_no_later_than(self, when: float) -> None:
        if when >= self._check_at:
            return
        if self._check_timer is not None:
            self._check_timer.cancel()
        self._check_at = when
        self._check_timer = self._context.timers.at(when, self._check)

    def _refresh(self, now: float) -> None:
        """Look up our own id and every quiet far bucket."""
        refresh_s = self._context.config.refresh_s
        self._refresh_timer = self._context.timers.at(now + self._spread(refresh_s), self._refresh)
        if not len(self._context.table):
            return
        for target in [self._context.own_id, *self.refresh_targets(now, refresh_s)]:
            self._look_up(target, now)

    def _spread(self, interval_s: float) -> float:
        return interval_s * (1 - JITTER * self._context.random.random())
