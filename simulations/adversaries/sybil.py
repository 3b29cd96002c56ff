"""Sybil: one party with many identities, which answer only with each other (Douceur 2002).

Each joins as everybody does and looks up random ids, so that many meet it; asked for a place, it names those of the
group nearest to it, and of the honest nobody. A lookup that follows such an answer never leaves the group.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...dht.server import Answers
from ...wire.contact import Contact
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

    def equip(self, host: Host) -> None:
        """Answer for the group, and get about."""
        self.group.add(host.contact)
        host.overlay.dht.server = SybilServer(host.overlay.dht.server, self.group)
        self.roam(host, ROAM_EVERY_S)
