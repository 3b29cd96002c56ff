"""Sybil: one party with many identities, which answer only with each other (Douceur 2002).

Each joins as everybody does and looks up random ids, so that many meet it; asked for a place, it names those of the
group nearest to it, and of the honest nobody. A lookup that follows such an answer never leaves the group.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...dht.search import LookupResult
from ...dht.server import Answers
from ...wire.contact import Contact
from ...wire.identity import NodeId
from ..host import Host
from .adversary import Adversary
from .colluders import Colluders
from .hostile_server import Accomplice

NAMED = 20
"""Contacts in an answer: as many as an honest one has."""

ROAM_EVERY_S = 30.0
"""Time between two lookups of one identity: often enough to stay in the tables of those it met."""


class SybilServer(Accomplice):
    """Name the nearest of the group."""

    def __init__(self, honest: Answers, group: Colluders) -> None:
        super().__init__(honest)
        self._group = group

    def contacts_near(self, target: bytes, sender: Contact) -> Sequence[Contact]:
        """Return those of the group nearest to a target."""
        return self._group.nearest(target, NAMED, sender.node_id)


class Sybil(Adversary):
    """Many identities of one party."""

    _lookups = 0
    _won = 0

    def prepare(self) -> None:
        """Begin to count whom lookups find."""
        self.stage.workload.on_lookup.append(self._looked_up)

    def figures(self) -> dict[str, float]:
        """Return the share of lookups that found one of the group first: by chance, its share of all nodes."""
        return {"sybil_nearest": round(self._won / self._lookups, 4)} if self._lookups else {}

    def equip(self, host: Host) -> None:
        """Answer for the group, and get about."""
        self.group.add(host.contact)
        host.overlay.dht.server = SybilServer(host.overlay.dht.server, self.group)
        self.roam(host, ROAM_EVERY_S)

    def _looked_up(self, host: Host, target: NodeId, result: LookupResult) -> None:
        if result.contacts:
            self._lookups += 1
            self._won += result.contacts[0].node_id in self.group
