"""What a node tells of the box in front of it: how it maps and filters, where peers see it, who relays for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ..wire.endpoint import Endpoint
from ..wire.identity import NodeId
from .overlay.overlay import Overlay
from .results import PortMappingStatus


class RelayInUse(msgspec.Struct, frozen=True, kw_only=True):
    """One relay through which this node can be reached."""

    node_id: str
    name: str
    endpoint: str
    rtt_ms: float | None


class NatStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How this node is reached."""

    kind: str
    """`open`, `easy`, `hard` or `unknown`: what matters to those who call it."""
    mapping: str
    """RFC 4787's word for how the box gives outer endpoints; `none` without a box."""
    filtering: str
    observed: list[str]
    """Endpoints at which peers see it, the most agreed first."""
    observers: int
    """How many peers said so."""
    agreed: str | None
    """The endpoint on which peers of enough networks agree."""
    advertised: list[str]
    """Endpoints in its record, for those who call it."""
    at_large: bool
    """Whether a peer sees it on the public internet; elsewhere boxes are of no concern."""
    serves: bool
    """Whether it relays for others."""
    wants_relays: bool
    relays: list[RelayInUse]
    port_mapping: PortMappingStatus | None
    """What the router was asked to forward; None when nothing was."""


def nat_status(
    overlay: Overlay,
    advertised: Sequence[Endpoint],
    name_of: Callable[[NodeId], str],
    port_mapping: PortMappingStatus | None,
    now: float,
) -> NatStatus:
    """Return what the overlay knows of being reached."""
    reach = overlay.reach
    agreed = reach.observations.agreed()
    return NatStatus(
        kind=reach.kind.value,
        mapping=reach.mapping.value,
        filtering=reach.filtering.value,
        observed=[str(endpoint) for endpoint in reach.observations.endpoints()],
        observers=len(reach.observations),
        agreed=str(agreed) if agreed is not None else None,
        advertised=[str(endpoint) for endpoint in advertised],
        at_large=reach.observations.at_large,
        serves=overlay.relaying.server.serves,
        wants_relays=reach.wants_relays,
        relays=relays_in_use(overlay, name_of, now),
        port_mapping=port_mapping,
    )


def relays_in_use(overlay: Overlay, name_of: Callable[[NodeId], str], now: float) -> list[RelayInUse]:
    """Return the relays that granted a reservation and whose line stands."""
    granted = overlay.relaying.reservations.granted(now)
    lines = [line for line in map(overlay.lines.find, granted) if line is not None]
    return [
        RelayInUse(
            node_id=line.node_id.text,
            name=name_of(line.node_id),
            endpoint=str(line.session.path),
            rtt_ms=None if line.session.rtt_s is None else round(line.session.rtt_s * 1e3, 3),
        )
        for line in lines
    ]
