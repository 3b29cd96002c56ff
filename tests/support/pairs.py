"""Two overlays behind boxes of their own or shared, that know some open nodes and meet through one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.relay.reservations import ReservationConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.simulations.network.nat_box import NatBox

from .boxed_world import BoxedWorld

CONFIG = OverlayConfig(checks_reach=True, reservations=ReservationConfig(wanted=1))
"""There is one relay: who wanted two would go on looking."""


class Pair:
    """Open nodes of which one relays, and two ends that have found out what is in front of them."""

    def __init__(
        self,
        caller: str | Callable[[BoxedWorld], tuple[NatBox, NatBox]],
        called: str = "none",
        *,
        seed: int = 1,
        config: OverlayConfig = CONFIG,
        open_nodes: int = 4,
    ) -> None:
        self._config = config
        self.world = BoxedWorld(seed=seed)
        serving = replace(config, relay=RelayConfig(serve=True))
        self.relay = self.world.join("none", serving)
        self.others = [self.world.join("none", config) for _ in range(open_nodes - 1)]
        self.arrived: list[tuple[float, bytes, str]] = []
        if isinstance(caller, str):
            self.called = self._end(self.world.join(called, config))
            self.caller = self._end(self.world.join(caller, config))
        else:
            boxes = caller(self.world)
            self.caller, self.called = [self._end(self.world.join(config=config, box=box)) for box in boxes]
        self.world.run_for(10.0)

    def meet(self) -> Line:
        """Call, and return the caller's line once it stands."""
        lines: list[Line] = []
        contact = self.world.contact_of(self.called)
        agreed = self.called.reach.observations.agreed()
        relays = [self.world.contact_of(self.relay)]
        self.caller.connect(
            contact,
            self.world.now,
            lambda line, error: lines.append(line) if line else None,
            *([] if agreed is None else [agreed]),
            relays=relays,
        )
        self.world.run(lambda: lines)
        return lines[0]

    def talk(self) -> None:
        """Let both ends say something as soon as they have met."""
        for overlay, peer in ((self.caller, self.called), (self.called, self.caller)):
            self._talk(overlay, peer)

    def make_strangers(self) -> None:
        """Let both ends hear of open nodes that they have not met."""
        strangers = [self.world.join("none", self._config) for _ in range(3)]
        known = [(self.world.contact_of(each), self.world.now, self.world.now) for each in strangers]
        for end in (self.caller, self.called):
            end.dht.remember(known, self.world.now)

    def path(self, overlay: Overlay, peer: Overlay) -> str:
        """Return the kind of path between the two, as one of them has it."""
        line = overlay.lines.find(peer.identity.node_id)
        return line.path_kind if line is not None else "none"

    def is_direct(self) -> bool:
        """Tell whether both ends do without the relay."""
        paths = {self.path(self.caller, self.called), self.path(self.called, self.caller)}
        return paths == {"direct"}

    def _talk(self, overlay: Overlay, peer: Overlay) -> None:
        def met(line: Line, came: bool) -> None:
            if came and line.node_id == peer.identity.node_id:
                overlay.send_message(line, b"hello", self.world.now)

        overlay.on_peer = met

    def _end(self, overlay: Overlay) -> Overlay:
        overlay.on_message = self._note
        overlay.relaying.reservations.wanted = True
        for other in (self.relay, *self.others[:-1]):
            overlay.connect(self.world.contact_of(other), self.world.now, lambda line, error: None)
        self.world.run(lambda: len(overlay.lines) == len(self.others))
        return overlay

    def _note(self, line: Line, message: bytes) -> None:
        self.arrived.append((self.world.now, message, line.path_kind))
