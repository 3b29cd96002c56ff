"""A party that does not keep to the protocol: its nodes, when they come, and what is replaced in them.

Every node of it is a host of the run like all others, with the real Overlay; `equip` puts another part into each new
Overlay before its first packet. What all kinds need is here: whom to attack, timers, getting about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...node.overlay.config import OverlayConfig
from ...wire.endpoint import Endpoint
from ...wire.identity import Identity, NodeId
from ...wire.record import value_key
from ..host import Host
from ..scenario import schema
from ..scenario.units import count_of
from ..stage import Stage
from .addresses import rented
from .colluders import Colluders

ARRIVE_IN_S = 30.0
"""Time over which those come that come while measuring."""

EARLY_SHARE = 0.5
"""Those that are there from the start come in the second part of the joining: they have peers to meet then."""

VICTIMS_TRIED_MAX = 64
"""Draws until a host is met that is behind no NAT: enough where one in ten is not."""


class Adversary:
    """One `[[adversary]]` of a scenario."""

    def __init__(self, stage: Stage, spec: schema.Adversary, number: int) -> None:
        self.stage = stage
        self.spec = spec
        self.random = stage.random(f"adversary {number}")
        self.group = Colluders()
        self.hosts: list[Host] = []
        self.seeds: list[bytes] = []
        """Keys that were ground, for as many hosts; the others draw theirs."""
        self.count = self.recruits()

    def start(self) -> None:
        """Plan when they come."""
        stage = self.stage
        ends_s = stage.measured_from_s - stage.scenario.settle
        begins_s, over_s = ends_s * EARLY_SHARE, ends_s * (1 - EARLY_SHARE)
        if self.spec.at > 0:
            begins_s, over_s = stage.at_phase(self.spec.at), ARRIVE_IN_S
        stage.world.call_at(begins_s, partial(self._come, begins_s, over_s))

    def recruits(self) -> int:
        """Return how many hosts it has."""
        return self.spec.count + count_of(self.spec.share, self.stage.scenario.population.nodes)

    def prepare(self) -> None:
        """Choose whom to attack and what with; called once, when the first is about to come."""

    def configure(self, config: OverlayConfig) -> OverlayConfig:
        """Return the configuration of its hosts, made of that of all."""
        return config

    def equip(self, host: Host) -> None:
        """Put another part into a host's new Overlay."""

    def figures(self) -> dict[str, float]:
        """Return what it has achieved, by name; nothing while there is nothing to say."""
        return {}

    # tools

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back later."""
        self.stage.world.call_at(self.stage.world.now() + seconds, callback)

    def every(self, interval_s: float, host: Host, action: Callable[[Host], None]) -> None:
        """Let a host act again and again for as long as this session of it lasts; the first time is drawn."""
        session = host.session

        def act() -> None:
            if host.up and host.session == session:
                action(host)
                self.after(interval_s, act)

        self.after(interval_s * self.random.random(), act)

    def roam(self, host: Host, interval_s: float) -> None:
        """Let a host look up random ids, so that others meet it."""
        self.every(interval_s, host, self._look_around)

    def choose_victim(self) -> Host:
        """Return some honest host that is up and can be called; any, when there is none that can."""
        live = self.stage.population.honest_live
        for _ in range(VICTIMS_TRIED_MAX):
            chosen = live[self.random.randrange(len(live))]
            if self.stage.network.box_of(chosen.index) is None:
                break
        return chosen

    def choose_key(self) -> bytes:
        """Return the first key of the workload, or one that anybody might use when there is none."""
        keys = self.stage.workload.keys
        return keys[0] if keys else value_key("censored")

    def is_own(self, node_id: NodeId) -> bool:
        """Tell whether a node belongs to this party."""
        host = self.stage.population.by_node_id.get(node_id)
        return host is not None and host in self.hosts

    def _look_around(self, host: Host) -> None:
        target = self.random.randbytes(32)
        host.overlay.dht.find_node(target, host.clock.now(), lambda result: None)
        host.pump.kick()

    # coming

    def _come(self, begins_s: float, over_s: float) -> None:
        self.prepare()
        for position in range(self.count):
            when_s = begins_s + over_s * position / self.count
            self.stage.world.call_at(when_s, partial(self._recruit, position))

    def _recruit(self, position: int) -> None:
        identity = None
        if position < len(self.seeds):
            identity = Identity(self.seeds[position], self.stage.crypto)
        host = self.stage.population.create(
            endpoint=self._endpoint(position), honest=False, identity=identity, configure=self.configure
        )
        host.on_start = self.equip
        self.hosts.append(host)
        host.start()

    def _endpoint(self, position: int) -> Endpoint | None:
        return rented(position, self.spec.subnets) if self.spec.subnets else None
