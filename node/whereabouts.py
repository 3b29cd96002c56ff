"""How a node can be called, as it says in its record: its endpoints, and relays that it can be reached through."""

from __future__ import annotations

from ..wire.contact import Contact
from ..wire.endpoint import Endpoint
from ..wire.node_record import RELAYS_MAX
from .overlay.overlay import Overlay


def endpoints_of(overlay: Overlay, own: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return where a node can be reached: its own addresses, a port that a router opened and that lets strangers in,
    then where peers agree that they see it."""
    reach = overlay.reach
    outside = (reach.mapped_port.verified, reach.observations.agreed())
    others = [each for each in outside if each is not None and not each.is_loopback]
    return tuple(dict.fromkeys((*own, *others)))


def relays_of(overlay: Overlay, now: float) -> tuple[Contact, ...]:
    """Return how to call those through whom a node can be reached."""
    granted = overlay.relaying.reservations.granted(now)
    lines = [overlay.lines.find(node_id) for node_id in granted]
    return tuple(line.contact() for line in lines if line is not None)[:RELAYS_MAX]
