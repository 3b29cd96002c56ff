"""Liveness of the contacts in a table: who is pinged, and when.

Any traffic counts as a sign of life, so in use nothing is pinged, and at rest one of two neighbours pings for both. How
long a contact may be silent grows with how long it has been known to be up, because sessions last the longer the longer
they have lasted (Weibull with a shape below 1; Stutzbach and Rejaie 2006; Li et al., NSDI 2005, weigh age against
silence in the same way). Silences end on a grid of a node's own, so that one look over the table finds some who are
due; to keep them all in order would cost more.
"""

from __future__ import annotations

from ..wire.identity import NodeId
from .config import DhtConfig
from .entry import Entry
from .messages import Ping, Reply
from .rpc import INDIFFERENT, Pending
from .search import Context
from .timers import Timer

GRID_SHARE = 0.5  # of the least silence: how far apart the looks at the silent are
PING_PAUSE_S = 1.0  # between bursts of pings_max
NEVER = float("inf")


def patience_s(entry: Entry, config: DhtConfig) -> float:
    """Return how long a contact may be silent before it is pinged."""
    known_s = entry.last_seen - entry.added_at
    return min(config.silent_s_max, max(config.silent_s_min, known_s * config.silent_share))


class Liveness:
    """Ping the silent, and look again at those that failed."""

    __slots__ = ("_check_at", "_context", "_grid_s", "_phase_s", "_shared", "_timer", "_witness_at")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._grid_s = GRID_SHARE * context.config.silent_s_min
        # Nodes that started together look at different times.
        self._phase_s = self._grid_s * context.random.random()
        self._shared: dict[float, float] = {}
        """Times on the grid to come: one object for all who are due then."""
        self._check_at = NEVER
        self._timer: Timer | None = None
        self._witness_at = -NEVER

    def watch(self, entry: Entry) -> None:
        """Begin to watch a contact that is now in the table."""
        entry.due_at = NEVER
        self._arm(entry)

    def look_again(self, entry: Entry) -> None:
        """Look again at a contact that failed, once it was left in peace for a while."""
        self._arm(entry)

    def doubt(self, node_id: NodeId, now: float) -> None:
        """Ping a contact soon, unless it has just failed and will be looked at again anyway."""
        entry = self._context.table.find(node_id)
        if entry is not None and self._context.rpc.timing.avoided_until(node_id) <= now:
            entry.last_seen = entry.checked_at = -NEVER
            self._arm(entry)

    # as the one who waits for the answers to its pings

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Be content: the table has heard of it."""

    def slow(self, pending: Pending, now: float) -> None:
        """Ping a lively contact beside a silent one: its answer shows that our own network is up."""
        witness = self._liveliest(pending.contact.node_id)
        if witness is not None and now >= self._witness_at:
            self._witness_at = now + PING_PAUSE_S
            self._context.rpc.ask(witness.contact, Ping(), INDIFFERENT, now)

    def failed(self, pending: Pending, now: float) -> None:
        """Do nothing: failures are counted where all requests are."""

    def _check(self, now: float) -> None:
        self._timer = None
        self._check_at = NEVER
        context = self._context
        context.store.expire(now)
        for gone in [when for when in self._shared if when <= now]:
            del self._shared[gone]
        entries = self._entries()
        for entry in self._take_due(entries, now):
            entry.checked_at = now
            context.rpc.ask(entry.contact, Ping(), self, now)
            self._arm(entry)
        self._plan(entries, now)

    def _take_due(self, entries: list[Entry], now: float) -> list[Entry]:
        """Return those due, at most one burst of them; a contact that was heard meanwhile is planned anew."""
        due: list[Entry] = []
        for entry in [entry for entry in entries if entry.due_at <= now]:
            if len(due) >= self._context.config.pings_max:
                break
            entry.due_at = NEVER
            if self._due_at(entry) <= now:
                due.append(entry)
            else:
                self._arm(entry)
        return due

    def _entries(self) -> list[Entry]:
        """Return all contacts in the table; asked for in each check, so without the detour over an iterator."""
        buckets = self._context.table.buckets.values()
        return [entry for bucket in buckets for entry in bucket.entries.values()]

    def _due_at(self, entry: Entry) -> float:
        """Return when an entry should be pinged: after its silence, or, failed, after its time of peace."""
        config = self._context.config
        avoided_until = self._context.rpc.timing.avoided_until(entry.contact.node_id)
        rested_at = max(entry.checked_at + config.avoid_s_min, avoided_until)
        return rested_at if entry.failures else max(rested_at, entry.last_seen + patience_s(entry, config))

    def _arm(self, entry: Entry) -> None:
        """Plan the next look at an entry, unless an earlier one is planned."""
        due_at = self._due_at(entry)
        if not entry.failures and entry.last_seen > -NEVER:
            due_at = self._on_grid(due_at)
        if due_at < entry.due_at:
            entry.due_at = due_at
            self._check_no_later_than(due_at)

    def _on_grid(self, when: float) -> float:
        """Return the next look that is planned for everybody."""
        steps = (when - self._phase_s) // self._grid_s + 1
        due_at = self._phase_s + steps * self._grid_s
        return self._shared.setdefault(due_at, due_at)

    def _plan(self, entries: list[Entry], now: float) -> None:
        soonest = min([entry.due_at for entry in entries], default=NEVER)
        if soonest < NEVER:
            self._check_no_later_than(max(now + PING_PAUSE_S, soonest))

    def _check_no_later_than(self, when: float) -> None:
        if when >= self._check_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._check_at = when
        self._timer = self._context.timers.at(when, self._check)

    def _liveliest(self, but: NodeId) -> Entry | None:
        """Return the contact heard last; each bucket has its own at its end."""
        last = [
            next(reversed(bucket.entries.values()), None) for bucket in self._context.table.buckets.values()
        ]
        lively = [entry for entry in last if entry is not None and not entry.failures]
        others = [entry for entry in lively if entry.contact.node_id != but]
        return max(others, key=_last_seen, default=None)


def _last_seen(entry: Entry) -> float:
    return entry.last_seen
