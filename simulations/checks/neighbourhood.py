"""Nodes know who is nearest to them: that is what puts records in the right place.

Of the honest nodes that really are the nearest to a node, most must be in its table. Single gaps are normal (a newcomer
is known to some first); so it is judged in the mean over many nodes, and only of nodes that are there for a while, in
times when the network is whole.
"""

from __future__ import annotations

from collections import deque

from ..host import Host
from ..stage import Stage
from .check import Check
from .truth import Truth

NEAREST = 8
"""As many as hold a record (DhtConfig.value_replicas)."""

KNOWN_SHARE_MIN = 0.75
"""Share of them that must be known in the mean: of eight holders six, more than the quorum of five."""

SAMPLES = 200
SAMPLES_MIN = 50
"""Looks in the mean, and how many there must be before anything is said."""

UP_FOR_S = 120.0
"""A node has had its joining and some lookups by then."""


class Neighbourhood(Check):
    """Known, mostly."""

    name = "neighbourhood"
    about = (
        f"nodes know at least {KNOWN_SHARE_MIN:.0%} of the {NEAREST} that are nearest to them, in the mean"
    )

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        self._joined_s: dict[int, float] = {}
        self._shares: deque[float] = deque(maxlen=SAMPLES)
        stage.population.on_joined.append(self._joined)

    @property
    def known_share(self) -> float:
        """Mean of the last looks; 1 before any."""
        return sum(self._shares) / len(self._shares) if self._shares else 1.0

    def look_around(self, now_s: float) -> None:
        """Begin anew after a disturbance; judge the mean."""
        if not self.truth.quiet.is_quiet(now_s):
            self._shares.clear()
        elif len(self._shares) >= SAMPLES_MIN and self.known_share < KNOWN_SHARE_MIN:
            self.violated(
                None,
                f"nodes know {self.known_share:.0%} of the {NEAREST} nearest to them, "
                f"less than {KNOWN_SHARE_MIN:.0%}",
            )
            self._shares.clear()

    def look_at(self, host: Host, now_s: float) -> None:
        """Count which of a host's nearest it knows; who is not open holds nothing, and need not know them."""
        if not self.stage.network.is_open(host.index):
            return
        if now_s - self._joined_s.get(host.index, now_s) < UP_FOR_S:
            return
        own_id = host.identity.node_id
        nearest = self.stage.population.nearest(own_id, NEAREST, exclude=own_id, families=host.families)
        if nearest:
            tables = [context.table for context in host.overlay.dht.contexts]
            known = [any(node_id in table for table in tables) for node_id in nearest]
            self._shares.append(sum(known) / len(nearest))

    def _joined(self, host: Host) -> None:
        self._joined_s[host.index] = self.stage.world.now()
