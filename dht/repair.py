"""Repair: holders of a key look after each other, so that a record lives to its end without its owner.

In each period a node compares what it holds with a few of the neighbours that should hold the same, in turn. When a
neighbour dies, each key that it held has one new holder: it is offered the key within a minute, by the nearest living
holder first. The others wait for longer the farther they are from the key, and then find nothing missing, unless the
nearer ones have not noticed the death.

A copy never changes a life: neither does it prolong the one at its receiver (store.py), nor may it be younger than its
original. (Anti-entropy as in Demers et al. 1987, restricted to those who share a key.)
"""

from __future__ import annotations

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .comparison import Comparison
from .digest import Holders, shares
from .distance import number_of
from .search import Context
from .store import Held

JITTER = (
    0.5  # part of a wait, so that neighbours that started together, or noticed a death together, drift apart
)
NEVER = float("-inf")


class Repair:
    """Compare in turn, and give away what the dead held."""

    __slots__ = ("_compared_at", "_context", "_lost", "_planned")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._compared_at: dict[NodeId, float] = {}
        self._lost: dict[NodeId, int] = {}
        self._planned = False

    def stored(self, now: float) -> None:
        """Note that there is something to look after."""
        if not self._planned:
            self._planned = True
            self._context.timers.at(now + self._spread(self._context.config.repair_s), self._compare)

    def lost(self, contact: Contact, now: float) -> None:
        """Note the death of a contact of the table; of too many at once the next comparison takes care."""
        if not len(self._context.store) or len(self._lost) >= self._context.config.repair_deaths_max:
            return
        if not self._lost:
            self._plan_mending(now)
        self._lost[contact.node_id] = 0

    @property
    def size(self) -> int:
        """Return how many deaths are being mended."""
        return len(self._lost)

    def _compare(self, now: float) -> None:
        """Compare with those neighbours that were not compared with for longest."""
        context = self._context
        self._planned = False
        context.store.expire(now)
        if not len(context.store):
            return
        self.stored(now)
        shared = shares(context)
        self._compared_at = {node_id: self._compared_at.get(node_id, NEVER) for node_id in shared}
        in_turn = sorted(shared, key=lambda node_id: self._compared_at[node_id])
        for node_id in in_turn[: context.config.repair_peers_max]:
            self._compared_at[node_id] = now
            Comparison(context, *shared[node_id]).compare(now)

    def _mend(self, now: float) -> None:
        """Offer the keys of the dead for which it is our turn; each death has as many turns as a key has holders."""
        context = self._context
        context.store.expire(now)
        offers: dict[NodeId, tuple[Contact, list[Held]]] = {}
        for key, records in context.store.by_key():
            for contact in self._moved_up(key):
                offers.setdefault(contact.node_id, (contact, []))[1].extend(records)
        for contact, records in offers.values():
            Comparison(context, contact, records).name(now)
        turns = context.config.value_replicas
        self._lost = {node_id: turn + 1 for node_id, turn in self._lost.items() if turn + 1 < turns}
        if self._lost:
            self._plan_mending(now)

    def _moved_up(self, key: bytes) -> list[Contact]:
        """Return who holds a key now in place of the dead, when it is our turn to offer it."""
        holders = Holders.of(key, self._context)
        if not holders.others:
            return []
        target = number_of(key)
        own_distance = number_of(self._context.own_id) ^ target
        farthest = max(own_distance, holders.others[-1].number ^ target)
        gone = [turn for node_id, turn in self._lost.items() if number_of(node_id) ^ target < farthest]
        if holders.own_rank not in gone:
            return []
        # We hold it; when we are among those who moved up ourselves, there is one less to offer it to.
        count = len(gone) - (holders.own_rank > len(holders.others) - len(gone))
        return holders.others[len(holders.others) - min(count, len(holders.others)) :]

    def _plan_mending(self, now: float) -> None:
        self._context.timers.at(now + self._spread(self._context.config.repair_soon_s), self._mend)

    def _spread(self, interval_s: float) -> float:
        return interval_s * (1 - JITTER * self._context.random.random())
