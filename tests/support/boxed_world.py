"""Overlays behind address translators: the small world with NAT boxes between an overlay and the rest."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.simulations.network.nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy
from mesh99.simulations.network.realms import Realms, Way
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity

from .overlay_world import World

_ANY, _ADDRESS, _PORT = Behaviour
OPEN = None
BOXES: dict[str, NatBoxConfig | None] = {
    "none": OPEN,
    "full": NatBoxConfig(mapping=_ANY, filtering=_ANY, ports=PortPolicy.RANDOM),
    "addr": NatBoxConfig(mapping=_ANY, filtering=_ADDRESS, ports=PortPolicy.RANDOM),
    "port": NatBoxConfig(mapping=_ANY, filtering=_PORT, ports=PortPolicy.RANDOM),
    "sym": NatBoxConfig(mapping=_PORT, filtering=_PORT, ports=PortPolicy.RANDOM),
    "udpblock": NatBoxConfig(udp_blocked=True),
    "symseq": NatBoxConfig(mapping=_PORT, filtering=_PORT, ports=PortPolicy.SEQUENTIAL),
}
"""Kinds of boxes by the names of the NAT lab."""

EXTRA_PORT = 20_000
"""Port of an extra socket of number 0."""


class BoxedWorld(World):
    """Carry packets through boxes: out when they are sent, in when they arrive."""

    def __init__(self, *, delay_s: float = 0.04, seed: int = 1) -> None:
        super().__init__(delay_s=delay_s, seed=seed)
        self.closed_sockets: list[tuple[Overlay, int]] = []
        self._realms = Realms()
        self._seed = seed
        self._numbers: dict[str, int] = {}
        self._opened: dict[tuple[Endpoint, int], float] = {}
        self._ways: dict[tuple[Endpoint, Endpoint], Way] = {}
        self._hosts = 0
        self._boxes = 0
        self._others = 0

    def box(self, kind: str, behind: NatBox | None = None, *, hairpin: bool = False) -> NatBox:
        """Set up a box of a kind, behind another one if wanted."""
        self._boxes += 1
        config = BOXES[kind]
        assert config is not None
        address = f"20.1.{self._boxes}.1" if behind is None else f"100.64.0.{self._boxes}"
        random = Random(f"box:{self._seed}:{self._boxes}")
        return NatBox(replace(config, hairpin=hairpin), address, random, behind)

    def join(
        self, kind: str = "none", config: OverlayConfig | None = None, box: NatBox | None = None
    ) -> Overlay:
        """Start an overlay behind a box of a kind, or behind a box that is there."""
        self._hosts += 1
        number = self._hosts
        if box is None and BOXES[kind] is not None:
            box = self.box(kind)
        host = f"20.0.{number}.1" if box is None else f"192.168.0.{number}"
        self._numbers[host] = number
        self._realms.place(number, box)
        self._realms.know(number, host)
        endpoint = Endpoint("udp", host, 7400)
        overlay = Overlay(
            Identity(Random(f"identity:{number}").randbytes(32)),
            config or OverlayConfig(),
            random=Random(f"decisions:{number}"),
            entropy=Random(f"entropy:{number}").randbytes,
            now=self.now,
            tcp_port=endpoint.port,
        )
        overlay.reach.own_endpoints = (endpoint,)
        self.overlays[endpoint] = overlay
        return overlay

    def box_of(self, overlay: Overlay) -> NatBox | None:
        """Return the box that an overlay is behind."""
        return self._realms.box_of(self._numbers[self.endpoint_of(overlay).host])

    def unbox(self, overlay: Overlay) -> None:
        """Take away the box that an overlay is behind."""
        host = self.endpoint_of(overlay).host
        self._realms.place(self._numbers[host], None)
        self._realms.know(self._numbers[host], host)

    def take_ports(self, overlay: Overlay, count: int) -> None:
        """Let another machine behind the same box talk to as many places, if there is a box."""
        box = self.box_of(overlay)
        if box is not None:
            self._others += 1
            other = Endpoint("udp", "192.168.99.9", 1000 + self._others)
            for port in range(1, count + 1):
                box.outbound(other, Endpoint("udp", "20.99.0.1", port), self._now_ns)

    def searches(self, overlay: Overlay) -> list[float]:
        """Return when an overlay began to open extra sockets."""
        own = self.endpoint_of(overlay)
        times = [moment for (endpoint, _), moment in self._opened.items() if endpoint == own]
        return [now for before, now in zip([0.0, *times], times, strict=False) if now - before > 1.0]

    def _collect(self) -> None:
        super()._collect()
        for overlay in self.overlays.values():
            self.closed_sockets += [(overlay, number) for number in overlay.take_socket_closures()]

    def _carry(self, packet: bytes, source: Endpoint, destination: Endpoint) -> None:
        if destination.socket:
            self._opened.setdefault((source, destination.socket), self.now)
            source = source._replace(port=EXTRA_PORT + destination.socket)
            destination = destination.through(0)
        source = source._replace(transport=destination.transport)
        way = self._realms.leave(self._numbers[source.host], source, destination, self._now_ns)
        if way is not None:
            self._ways[way.source, destination] = way
            super()._carry(packet, way.source, destination)

    def _arrive(self, source: Endpoint, destination: Endpoint) -> Endpoint | None:
        inner = self._realms.enter(self._ways[source, destination], self._now_ns)
        return None if inner is None else super()._arrive(source, inner)

    def _receiver(self, arrived: Endpoint, source: Endpoint) -> tuple[Overlay | None, Endpoint]:
        number = arrived.port - EXTRA_PORT
        if number <= 0:
            return super()._receiver(arrived, source)
        overlay = self.overlays.get(arrived._replace(port=7400))
        closed = (overlay, number) in self.closed_sockets
        return None if closed else overlay, source.through(number)

    @property
    def _now_ns(self) -> int:
        return int(self.now * 1e9)
