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

    def short_targets(self) -> list[bytes]:
        """Return a random target in each far bucket that holds fewer contacts than a refresh looks for."""
        return self._targets(self._context.config.refresh_count, float("inf"))

    def _refresh(self, now: float) -> None:
        """Look up our own id, and something in every far bucket that has room and was not looked into lately."""
        config = self._context.config
        self._plan(now, self._spread(config.refresh_s))
        if not len(self._context.table):
            return
        self._look_up(self._context.own_id, now)
        for target in self._targets(config.bucket_size, now - config.refresh_s):
            self._look_up(target, now)

    def _targets(self, fewer_than: int, looked_up_before: float) -> list[bytes]:
        table = self._context.table
        own = number_of(table.own_id)
        near = min(self._context.config.join_count, self._context.config.bucket_size)
        return [
            random_number_at(own, prefix_bits, self._context.random).to_bytes(ID_BITS // 8, "big")
            for prefix_bits in table.far_prefixes(near)
            if table.members_at(prefix_bits) < fewer_than
            and self._looked_up.get(prefix_bits, float("-inf")) <= looked_up_before
        ]

    def _plan(self, now: float, wait_s: float) -> None:
        self._timer = self._context.timers.at(now + wait_s, self._refresh)

    def _spread(self, interval_s: float) -> float:
        return interval_s * (1 - JITTER * self._context.random.random())
