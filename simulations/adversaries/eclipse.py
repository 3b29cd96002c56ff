"""Eclipse: everybody whom one node knows belongs to the attacker (Heilman et al. 2015, CVE-2020-10937).

Ids are ground to fall into the victim's buckets, the nearest buckets first, and each identity calls the victim until
it stands in its table. Later the victim restarts, and the introducers that it is given then are the attacker's: that
is when a table is empty and takes what comes (arXiv 2601.16560).
"""

from __future__ import annotations

from collections.abc import Sequence

from ...node.overlay.line import Line
from ...wire.contact import Contact
from ...wire.errors import MeshError
from ..host import Host
from .adversary import Adversary
from .grinding import ids_around
from .sybil import SybilServer

PER_BUCKET = 20
"""Identities for one bucket of the victim: as many as it holds."""

TRIES_PER_ID = 256
"""Keys made for each identity: reaches buckets that fewer than one in 256 honest nodes fall into."""

CALL_EVERY_S = 20.0
"""Time between two calls of the victim by one identity: a session that is in use is not closed for idleness."""

RESTART_AFTER_S = 60.0
"""When the victim is restarted, after the attackers came; a crash or an update gives such a moment."""

DOWN_S = 2.0
"""How long the victim is away: shorter than peers take to notice."""


class Eclipse(Adversary):
    """Surround one victim."""

    victim: Host

    def prepare(self) -> None:
        """Choose the victim, grind ids around it, and plan its restart."""
        self.victim = self.choose_victim()
        tries = TRIES_PER_ID * self.count
        self.seeds = ids_around(self.victim.identity.node_id, self.count, PER_BUCKET, tries, self.random)
        self.after(RESTART_AFTER_S, self._restart)

    def equip(self, host: Host) -> None:
        """Answer for the group, and call the victim again and again."""
        self.group.add(host.contact)
        host.overlay.dht.server = SybilServer(host.overlay.dht.server, self.group)
        self.every(CALL_EVERY_S, host, self._call)

    def figures(self) -> dict[str, float]:
        """Return the share of the victim's table that is hostile at the end."""
        if not self.hosts or not self.victim.up:
            return {}
        return {"eclipse_captured": round(self.captured(), 4)}

    def captured(self) -> float:
        """Return the share of the victim's table that belongs to the attacker."""
        entries = list(self.victim.overlay.dht.table)
        hostile = sum(entry.contact.node_id in self.group for entry in entries)
        return hostile / len(entries) if entries else 0.0

    def _call(self, host: Host) -> None:
        def connected(line: Line | None, error: MeshError | None) -> None:
            if line is not None:
                host.overlay.ping(line, host.clock.now())

        host.overlay.connect(self.victim.contact, host.clock.now(), connected)
        host.pump.kick()

    def _restart(self) -> None:
        """Take the victim down for a moment, and be all that it is told of afterwards."""
        population = self.stage.population
        self._others = population.introduce
        population.introduce = self._introduce
        self.victim.stop(graceful=False)
        self.after(DOWN_S, self.victim.start)

    def _introduce(self, host: Host, contacts: Sequence[Contact]) -> Sequence[Contact]:
        if host is not self.victim:
            return self._others(host, contacts)
        colluders = list(self.group)
        return self.random.sample(colluders, min(len(colluders), len(contacts)))
