"""Lying relay: takes reservations and opens circuits, and cheats on both ends.

Of the packets of its circuits it drops some, cuts some in half and holds some back. And it says
that it sees the others where they are not, so that whoever believes it knocks at the door of somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...nat.messages import RelayMessage
from ...node.overlay.config import OverlayConfig
from ...node.overlay.line import Line
from ...wire.endpoint import Endpoint
from ...wire.identity import NodeId
from ..host import Host
from ..population.overlay_config import relaying
from .addresses import nowhere
from .adversary import Adversary

HELD_BACK_S = 3.0

Forward = Callable[[Line, int, bytes, float], None]
Answers = list[tuple[NodeId, bytes]]
Receive = Callable[[RelayMessage, NodeId, Endpoint, float], Answers]


class LyingRelay(Adversary):
    """Nodes that relay for others, badly."""

    def prepare(self) -> None:
        """Begin to count."""
        self.cheated = 0

    def configure(self, config: OverlayConfig) -> OverlayConfig:
        """Serve."""
        return relaying(config)

    def equip(self, host: Host) -> None:
        """Cheat on packets, and on where the other end is."""
        serving = host.overlay.relaying
        honest: Forward = serving._forward
        serving._forward = partial(self._forward, host, honest)  # type: ignore[method-assign]
        receive: Receive = serving.server.receive
        serving.server.receive = partial(self._receive, receive)  # type: ignore[method-assign]

    def figures(self) -> dict[str, float]:
        """Return how many packets were cheated with."""
        return {"relay_cheated": self.cheated} if self.hosts else {}

    def _forward(
        self, host: Host, honest: Forward, line: Line, number: int, packet: bytes, now: float
    ) -> None:
        self.cheated += 1
        how = self.cheated % 4
        if how == 1:
            honest(line, number, packet[: len(packet) // 2], now)
        elif how == 2:
            self.after(HELD_BACK_S, partial(self._late, host, honest, line, number, packet))
        elif how == 3:
            honest(line, number, packet, now)

    def _late(self, host: Host, honest: Forward, line: Line, number: int, packet: bytes) -> None:
        if host.up:
            honest(line, number, packet, host.clock.now())
            host.pump.kick()

    def _receive(
        self, honest: Receive, message: RelayMessage, peer: NodeId, endpoint: Endpoint, now: float
    ) -> Answers:
        return honest(message, peer, nowhere(peer[0] << 8 | peer[1]), now)
