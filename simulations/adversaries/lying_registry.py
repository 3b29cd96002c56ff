"""Lying registry: gives a share of those who join a list of its own: colluders, or nobody at all.

The colluders answer as sybils do. A node that has other sources (saved contacts, peers given by hand) may still find
its way; one that has none is in the attacker's hands.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...wire.contact import Contact
from ..host import Host
from .adversary import Adversary
from .sybil import SybilServer


class LyingRegistry(Adversary):
    """Replace the introducers of a `share` of the joins by `count` colluders, or by nobody when that is 0."""

    def recruits(self) -> int:
        """Return how many colluders there are: `share` counts joins here."""
        return self.spec.count

    def prepare(self) -> None:
        """Take over the list."""
        self.replaced = 0
        population = self.stage.population
        self._others = population.introduce
        population.introduce = self._introduce

    def equip(self, host: Host) -> None:
        """Answer for the group."""
        self.group.add(host.contact)
        host.overlay.dht.server = SybilServer(host.overlay.dht.server, self.group)

    def _introduce(self, host: Host, contacts: Sequence[Contact]) -> Sequence[Contact]:
        """Return whom a newcomer is told of."""
        if not host.honest or self.random.random() >= self.spec.share:
            return self._others(host, contacts)
        self.replaced += 1
        colluders = list(self.group)
        return self.random.sample(colluders, min(len(colluders), len(contacts)))
