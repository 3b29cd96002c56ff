"""Overlays behind address translators: the small world with a NAT box between an overlay and the rest."""

from __future__ import annotations

from random import Random

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.simulations.network.nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy
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
    "symseq": NatBoxConfig(mapping=_PORT, filtering=_PORT, ports=PortPolicy.SEQUENTIAL),
}
"""Kinds of boxes by the names of the NAT lab."""


class BoxedWorld(World):
    """Carry packets through boxes: out when they are sent, in when they arrive."""

    def __init__(self, *, delay_s: float = 0.04, seed: int = 1) -> None:
        super().__init__(delay_s=delay_s, seed=seed)
        self.boxes: dict[str, NatBox] = {}
        self.inside: dict[Endpoint, NatBox] = {}
        self._hosts = 0

    def join(
        self, kind: str = "none", config: OverlayConfig | None = None, box: NatBox | None = None
    ) -> Overlay:
        """Start an overlay behind a box of a kind, or behind a box that is there."""
        self._hosts += 1
        number = self._hosts
        made = BOXES[kind]
        if made is not None and box is None:
            box = NatBox(made, f"20.0.{number}.1", Random(number))
            self.boxes[box.address] = box
        endpoint = Endpoint("udp", f"20.0.{number}.1" if box is None else f"192.168.0.{number}", 7400)
        if box is not None:
            self.inside[endpoint] = box
        overlay = Overlay(
            Identity(Random(f"identity:{number}").randbytes(32)),
            config or OverlayConfig(),
            random=Random(f"decisions:{number}"),
            entropy=Random(f"entropy:{number}").randbytes,
            now=self.now,
        )
        self.overlays[endpoint] = overlay
        return overlay

    def _carry(self, packet: bytes, source: Endpoint, destination: Endpoint) -> None:
        box = self.inside.get(source)
        seen = source if box is None else box.outbound(source, destination, self._now_ns)
        if seen is not None:
            super()._carry(packet, seen, destination)

    def _arrive(self, source: Endpoint, destination: Endpoint) -> Endpoint | None:
        box = self.boxes.get(destination.host)
        if box is not None:
            return box.inbound(destination, source, self._now_ns)
        return None if destination in self.inside else destination

    @property
    def _now_ns(self) -> int:
        return int(self.now * 1e9)
