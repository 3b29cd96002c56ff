"""No contact stands in a table, or comes back from a lookup, that was never met.

The truth: a node with that key has that very endpoint, and a packet came from there after one went there; the first
packet of a stranger shows nothing. Where a node is is looked up for every host, what was sent is recorded for a few
watched ones.
"""

from __future__ import annotations

from ...dht.entry import Entry
from ...dht.search import LookupResult
from ...wire.contact import Contact
from ...wire.endpoint import Endpoint
from ...wire.identity import NodeId
from ..host import Host
from ..stage import Stage
from .check import Check
from .inside import members
from .truth import Truth

WATCHED = 32
"""Hosts whose traffic is recorded: each costs some 50 KB."""


class TrueContacts(Check):
    """Met, each of them."""

    name = "true-contacts"
    about = "every contact in a table or a result is a node that is there, and was met in both directions"

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        self._step = max(1, stage.scenario.population.nodes // WATCHED)
        self._met: dict[int, dict[Endpoint, bool]] = {}
        """By host and endpoint to which it sent: whether something came from there afterwards."""
        self._since: dict[int, float] = {}
        self._translated = stage.scenario.nat is not None
        """Behind NATs, a node has no endpoint that is true for everybody."""
        stage.population.on_up.append(self._came)
        stage.population.on_down.append(self._went)
        stage.network.taps.append(self._passed)
        stage.workload.on_lookup.append(self._looked_up)

    def look_at(self, host: Host, now_s: float) -> None:
        """Look at every contact of a host."""
        for entry in members(host.overlay.dht):
            wrong = self._wrong(entry.contact) or self._never_met(host, entry)
            if wrong:
                self.violated(host.index, f"its table has {entry.contact}: {wrong}")
                return

    def _looked_up(self, host: Host, target: NodeId, result: LookupResult) -> None:
        for contact in result.contacts:
            wrong = self._wrong(contact)
            if wrong:
                self.violated(host.index, f"a lookup returned {contact}: {wrong}")
                return

    def _wrong(self, contact: Contact) -> str:
        host = self.stage.population.by_node_id.get(contact.node_id)
        if host is None:
            return "there never was such a node"
        if not self._translated and contact.endpoint not in host.endpoints:
            return f"that node is at {host.endpoint}"
        return ""

    def _never_met(self, host: Host, entry: Entry) -> str:
        met = self._met.get(host.index)
        if met is None or self._translated or entry.added_at <= self._since[host.index]:
            return ""
        if entry.contact.endpoint not in met:
            return "no packet ever went there"
        return "" if met[entry.contact.endpoint] else "no packet ever came from there after one went there"

    def _came(self, host: Host) -> None:
        if host.index % self._step == 0:
            self._since[host.index] = host.clock.now()

    def _went(self, host: Host) -> None:
        self._met.pop(host.index, None)

    def _passed(
        self, now_ns: int, sender: int, receiver: int, source: Endpoint, destination: Endpoint, packet: bytes
    ) -> None:
        if sender % self._step == 0:
            # Its first packets go out before anybody is told that it is up.
            self._met.setdefault(sender, {}).setdefault(destination, False)
        met = self._met.get(receiver)
        if met is not None and source in met and self._is_true(sender, source):
            met[source] = True

    def _is_true(self, sender: int, source: Endpoint) -> bool:
        host = self.stage.population.hosts.get(sender)
        return host is not None and source in host.endpoints
