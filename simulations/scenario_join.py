"""Nodes join one after the other, each through a few that are there already; then all look up random ids.

A lookup succeeds when the first contact it returns is the node that really is nearest to the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean

from ..dht.search import LookupResult
from ..node.overlay.config import OverlayConfig
from ..node.overlay.line import Line
from ..wire.errors import MeshError
from ..wire.identity import NodeId
from .host import Host
from .network import Network
from .world import World

Progress = Callable[[float, float], None]
"""Called with the virtual seconds done and those to do."""

PROGRESS_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinConfig:
    """Say when nodes come and how much they look up."""

    start_interval_s: float = 0.1
    """Time between two nodes that start."""

    start_phase_s_max: float = 120.0
    """All have started after this time, however many they are."""

    introducers: int = 3
    """Nodes that a new one knows, drawn from those there already."""

    retry_s: float = 5.0
    """When a node that reached no introducer tries again."""

    settle_s: float = 20.0
    """Time between the last start and the first lookup that counts."""

    lookup_interval_s: float = 20.0
    """Mean time between two lookups of one node."""

    measured_s: float = 60.0
    """Length of the measured phase when the run is not given its length."""


class Join:
    """Nodes join one after the other through nodes they know, then look up random ids."""

    def __init__(self, world: World, nodes: int, config: JoinConfig | None = None) -> None:
        self.world = world
        self.network = Network(world)
        self.config = config or JoinConfig()
        self.nodes = nodes
        self.hosts: list[Host] = []
        self.joined_ms: list[float] = []
        self.lookup_ms: list[float] = []
        self.depths: list[int] = []
        self.started = 0
        self.succeeded = 0
        self._random = world.random(0, "scenario")
        self._overlay_config = OverlayConfig(network="simulation", allow_tcp=False, aes=True)

    def run(self, virtual_s: float | None, progress: Progress | None) -> dict[str, float]:
        """Run to the end and return the figures."""
        phase_s = min(self.nodes * self.config.start_interval_s, self.config.start_phase_s_max)
        settled_s = phase_s + self.config.settle_s
        end_s = settled_s + self.config.measured_s if virtual_s is None else max(virtual_s, settled_s + 1)
        for index in range(self.nodes):
            self.world.call_at(index * phase_s / self.nodes, self._start)
        self._advance(0.0, settled_s, end_s, progress)
        bytes_before = self.network.bytes
        for host in self.hosts:
            self._schedule_lookup(host, end_s)
        self._advance(settled_s, end_s, end_s, progress)
        sent = self.network.bytes - bytes_before
        return self._figures(end_s, sent / self.nodes / (end_s - settled_s))

    def _advance(self, start_s: float, stop_s: float, end_s: float, progress: Progress | None) -> None:
        for step in range(1, PROGRESS_STEPS + 1):
            self.world.run_until(start_s + (stop_s - start_s) * step / PROGRESS_STEPS)
            if progress is not None:
                progress(self.world.now(), end_s)

    # joining

    def _start(self) -> None:
        known = list(self.hosts)
        host = Host(self.world, self.network, len(known) + 1, self._overlay_config)
        self.hosts.append(host)
        if known:
            self._join(
                host, self._random.sample(known, min(len(known), self.config.introducers)), self.world.now()
            )

    def _join(self, host: Host, introducers: list[Host], began: float) -> None:
        outcomes: list[bool] = []

        def connected(line: Line | None, error: MeshError | None) -> None:
            outcomes.append(line is not None)
            if line is not None and outcomes.count(True) == 1:
                host.overlay.dht.bootstrap(self.world.now(), bootstrapped)
                host.pump.kick()
            elif len(outcomes) == len(introducers) and not any(outcomes):
                retry_at = self.world.now() + self.config.retry_s
                self.world.call_at(retry_at, lambda: self._join(host, introducers, began))

        def bootstrapped(result: object) -> None:
            self.joined_ms.append((self.world.now() - began) * 1000)

        for introducer in introducers:
            host.overlay.connect(introducer.contact, self.world.now(), connected)
        host.pump.kick()

    # lookups

    def _schedule_lookup(self, host: Host, end_s: float) -> None:
        at = self.world.now() + self.config.lookup_interval_s * 2 * self._random.random()
        # A lookup that begins at the very end could not finish.
        if at < end_s - self.config.retry_s:
            self.world.call_at(at, lambda: self._look_up(host, end_s))

    def _look_up(self, host: Host, end_s: float) -> None:
        target = NodeId(self._random.randbytes(32))
        began = self.world.now()
        self.started += 1

        def done(result: LookupResult) -> None:
            self.lookup_ms.append((self.world.now() - began) * 1000)
            self.depths.append(result.depth)
            nearest = min(self._others(host), key=target.distance)
            self.succeeded += bool(result.contacts) and result.contacts[0].node_id == nearest

        host.overlay.dht.find_node(target, began, done)
        host.pump.kick()
        self._schedule_lookup(host, end_s)

    def _others(self, host: Host) -> Iterator[NodeId]:
        return (other.identity.node_id for other in self.hosts if other is not host)

    # figures

    def _figures(self, virtual_s: float, bytes_per_node_per_s: float) -> dict[str, float]:
        return {
            "nodes": self.nodes,
            "virtual_s": virtual_s,
            "joined": len(self.joined_ms),
            "join_p50_ms": _quantile(self.joined_ms, 0.5),
            "lookups": self.started,
            "lookup_success": self.succeeded / self.started if self.started else 0.0,
            "lookup_p50_ms": _quantile(self.lookup_ms, 0.5),
            "lookup_p99_ms": _quantile(self.lookup_ms, 0.99),
            "hops_mean": round(fmean(self.depths), 3) if self.depths else 0.0,
            "bytes_per_node_per_s": round(bytes_per_node_per_s, 1),
            "packets": self.network.packets,
        }


def _quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1))], 1) if values else 0.0
