"""Refresh of the routing table: looking up what lies in buckets that are short of contacts.

Contacts that are there are looked after by liveness.py; so only buckets with room are refreshed, and the surroundings
of our own id, where newcomers matter most.
"""

from __future__ import annotations

from collections.abc import Callable

from .distance import ID_BITS, number_of, random_number_at, shared_prefix_bits
from .search import Context
from .timers import Timer

JITTER = 0.1  # part of an interval, so that nodes that started together drift apart


class Maintenance:
    """Keeps the table full; `look_up(target, now)` starts a lookup nobody waits for."""

    __slots__ = ("_context", "_look_up", "_looked_up", "_timer")

    def __init__(self, context: Context, look_up: Callable[[bytes, float], None]) -> None:
        self._context = context
        self._look_up = look_up
        self._looked_up: dict[int, float] = {}
        self._timer: Timer | None = None

    def joined(self, now: float) -> None:
        """Note that the table has a new contact."""
        if self._timer is None:
            self._plan(now, self._spread(self._context.config.refresh_s))

    def resumed(self, now: float) -> None:
        """Note that the table was filled as it was before: a refresh may be due at any time."""
        if self._timer is None:
            self._plan(now, self._context.config.refresh_s * self._context.random.random())

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

    def _refresh(self, now: float) -> None:
        """Look up our own id, and something in every far bucket that is quiet and has room."""
        refresh_s = self._context.config.refresh_s
        self._plan(now, self._spread(refresh_s))
        if not len(self._context.table):
            return
        self._look_up(self._context.own_id, now)
        for target in self.refresh_targets(now, refresh_s):
            if self._has_room(target):
                self._look_up(target, now)

    def _has_room(self, target: bytes) -> bool:
        table = self._context.table
        bucket = table.buckets.get(shared_prefix_bits(number_of(target), number_of(table.own_id)))
        return bucket is None or len(bucket.entries) < bucket.size

    def _plan(self, now: float, wait_s: float) -> None:
        self._timer = self._context.timers.at(now + wait_s, self._refresh)

    def _spread(self, interval_s: float) -> float:
        return interval_s * (1 - JITTER * self._context.random.random())
