"""What a node tells of the relay that it is for others: whether it serves, whom, how much, and what it refused."""

from __future__ import annotations

import msgspec

from ..nat.relay.server import RelayServer
from .overlay.overlay import Overlay

COUNTED_AS = "relay: "
"""What the relay refused is counted with everything dropped, by reasons that begin with this."""


MODES: dict[bool | str, str] = {True: "on", False: "off", "auto": "auto"}


class RelayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a relay gives at most; None is without end."""

    reservations: int
    circuits: int
    circuit_bytes_per_s: float
    bytes_per_s: float | None
    forwarded_bytes: int | None


class RelayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The relay of this node."""

    mode: str
    """`on` (an operator's), `auto` (a volunteer's: it serves while strangers reach the node) or `off`."""
    serves: bool
    announced: bool
    """Whether others can find it in the DHT."""
    load: float
    """From 0, idle, to 1, full: the scarcest of what is limited."""
    reservations: int
    circuits: int
    forwarded_bytes: int
    refused: dict[str, int]
    """How many packets, circuits and reservations were refused, by reason."""
    limits: RelayLimits


def relay_status(overlay: Overlay, announced: bool) -> RelayStatus:
    """Return how much the relay of a node does."""
    config, server = overlay.config.relay, overlay.relaying.server
    return RelayStatus(
        mode=MODES[config.serve],
        serves=server.serves,
        announced=announced,
        load=round(server.offer.load, 3),
        reservations=server.reservations,
        circuits=server.circuits,
        forwarded_bytes=server.carried_bytes,
        refused=refused_by(server),
        limits=RelayLimits(
            reservations=config.reservations_max,
            circuits=config.circuits_max,
            circuit_bytes_per_s=config.circuit_bytes_per_s,
            bytes_per_s=config.bytes_per_s_max or None,
            forwarded_bytes=config.relayed_bytes_max or None,
        ),
    )


def refused_by(server: RelayServer) -> dict[str, int]:
    """Return what a relay refused, the most frequent first."""
    return {why.removeprefix(COUNTED_AS): count for why, count in server.dropped.most_common()}
