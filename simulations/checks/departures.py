"""When which node went: the truth that a network finds out late."""

from __future__ import annotations

from ...wire.identity import NodeId
from ..host import Host
from ..stage import Stage


class Departures:
    """Remember since when nodes are away, and since when the network is whole.

    While it is torn a node may hold on to contacts that it cannot reach: who hears nobody counts no failures. So the
    time of a departure counts from the last change of a partition on.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._away_since_s: dict[NodeId, float] = {}
        self._torn_at_s = float("-inf")
        stage.population.on_down.append(self._went)
        stage.population.on_up.append(self._came)

    def note_partitions(self, now_s: float) -> None:
        """Look whether the network is torn; to be called at each look."""
        if self._stage.network.partitions.active:
            self._torn_at_s = now_s

    def away_s(self, node_id: NodeId, now_s: float) -> float:
        """Return for how long a node is away and could have been found to be; 0 for one that is up."""
        since_s = self._away_since_s.get(node_id)
        return 0.0 if since_s is None else now_s - max(since_s, self._torn_at_s)

    def _went(self, host: Host) -> None:
        self._away_since_s[host.identity.node_id] = self._stage.world.now()

    def _came(self, host: Host) -> None:
        self._away_since_s.pop(host.identity.node_id, None)
