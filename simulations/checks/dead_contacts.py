"""Contacts that are dead leave the table, soon enough.

A contact is pinged after a silence (the longer, the longer it was known to be up); pings go in batches, one a second,
are tried several times, and fail twice before the contact is evicted. One that comes up from the reserve, where nobody
pings it, has the same time from then on, but for the silence.
"""

from __future__ import annotations

from ...dht.config import DhtConfig
from ...dht.entry import Entry
from ...dht.liveness import GRID_SHARE, PING_PAUSE_S, patience_s
from ...wire.identity import NodeId
from ..host import Host
from ..stage import Stage
from .check import Check
from .truth import Truth

SLACK = 1.5
"""What is allowed beyond the arithmetic: time-outs grow with what a node has seen."""

SUSPECTS_MAX = 1000


class DeadContacts(Check):
    """Evicted in time."""

    name = "dead-contacts"
    about = "a contact that is dead leaves every table within the silence and the tries that are configured"

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        self._departures = truth.departures
        self._suspects: dict[tuple[int, int, NodeId], float] = {}
        """By host, session and contact: since when it is known to be overdue."""

    def look_around(self, now_s: float) -> None:
        """Look at the suspects again."""
        self._departures.note_partitions(now_s)
        for (index, session, node_id), since_s in list(self._suspects.items()):
            host = self.stage.population.hosts[index]
            entry = _entry(host, node_id) if host.up and host.session == session else None
            away_s = self._departures.away_s(node_id, now_s)
            if entry is None or not away_s:
                del self._suspects[index, session, node_id]
            elif now_s - since_s > self._allowed_s(host, 0.0):
                self._report(host, entry, away_s)

    def look_at(self, host: Host, now_s: float) -> None:
        """Find contacts that should have left."""
        config = host.overlay.config.dht
        for entry in (entry for context in host.overlay.dht.contexts for entry in context.table):
            node_id = entry.contact.node_id
            away_s = self._departures.away_s(node_id, now_s)
            if not away_s or away_s <= self._allowed_s(host, patience_s(entry, config)):
                continue
            if len(self._suspects) < SUSPECTS_MAX:
                self._suspects.setdefault((host.index, host.session, node_id), now_s)

    def _report(self, host: Host, entry: Entry, away_s: float) -> None:
        contact = entry.contact
        allowed_s = self._allowed_s(host, patience_s(entry, host.overlay.config.dht))
        served = "" if entry.failures else ", and is given to others"
        self.violated(
            host.index,
            f"the contact {contact.node_id.short} is dead for {away_s:.0f} s and still in the table{served}; "
            f"it should have left after {allowed_s:.0f} s",
        )

    def _allowed_s(self, host: Host, silence_s: float) -> float:
        config = host.overlay.config.dht
        batches_s = PING_PAUSE_S * (1 + host.overlay.dht.size / config.pings_max)
        batches_s += GRID_SHARE * config.silent_s_min
        return self.truth.asleep_s + SLACK * (silence_s + batches_s + tries_s(config))


def _entry(host: Host, node_id: NodeId) -> Entry | None:
    entries = (context.table.find(node_id) for context in host.overlay.dht.contexts)
    return next((entry for entry in entries if entry is not None), None)


def tries_s(config: DhtConfig) -> float:
    """Return how long it takes until a contact that is pinged in vain has failed often enough."""
    one_s = config.tries_max * config.timeout_s_max + config.avoid_s_min
    return config.failures_max * one_s
