"""Where to knock for a peer: what it proposes, cut down to what it has any business to propose.

A relay tells where it sees the peer; the peer says, over the sealed line between the two, where it may be met. Nothing
else than the address that the relay saw is knocked at, whatever port the peer names there, so knocks cannot be aimed
at a third party; private addresses only when both ends are seen at one public address, which is what two nodes in one
network look like. Every place that is knocked at in vain costs a box that counts a port, so it knocks at one only.
"""

from __future__ import annotations

from typing import NamedTuple

from ..wire.endpoint import PRIVATE, PUBLIC, Endpoint
from .behaviour import NatKind
from .messages import CANDIDATES_MAX, Candidates

AHEAD = 16
"""Ports tried of a box that counts: its other users have taken some since. Raising it costs a knock each."""


class Here(NamedTuple):
    """What one end knows of itself."""

    kind: NatKind
    own: tuple[Endpoint, ...]
    """What its sockets are bound to."""
    seen: Endpoint | None
    """Where most peers see it."""
    next_port: int = 0
    step: int = 0

    def shares_address(self, introduced: Endpoint) -> bool:
        """Tell whether a peer that a relay sees there is seen at the same public address."""
        return self.seen is not None and introduced.scope == PUBLIC and introduced.host == self.seen.host

    def candidates(self, introduced: Endpoint) -> Candidates:
        """Return what to tell a peer; its own addresses only to one that seems to be in the same network."""
        near = [each for each in self.own if each.scope == PRIVATE and self.shares_address(introduced)]
        places = near if self.seen is None else [self.seen, *near]
        return Candidates(tuple(dict.fromkeys(places))[:CANDIDATES_MAX], self.kind, self.next_port, self.step)


class Places(NamedTuple):
    """Where to knock: again and again, and in this attempt only."""

    lasting: list[Endpoint]
    passing: list[Endpoint]


def places_of(peer: Candidates, introduced: Endpoint, here: Here) -> Places:
    """Return where to knock for a peer that a relay sees at `introduced`."""
    near = [each for each in peer.endpoints if each.scope == PRIVATE and here.shares_address(introduced)]
    # Another port is of use only where the box has the same one for everybody.
    there = [
        each for each in peer.endpoints if each.host == introduced.host and peer.kind is not NatKind.HARD
    ]
    seen = [] if here.step and peer.step else [introduced, *there]
    places = [each for each in dict.fromkeys(near + seen) if each.transport == "udp" and each.is_usable]
    # Two boxes of which nobody knows the next port do not meet: that is left to the relay.
    count = 1 if here.step else 0 if here.kind is NatKind.HARD else AHEAD
    return Places(places, _ahead(peer, introduced, count))


def is_proved(peer: Candidates, introduced: Endpoint) -> bool:
    """Tell whether the peer itself says that it is seen at the public address where its relay sees it."""
    return introduced.scope == PUBLIC and any(each.host == introduced.host for each in peer.endpoints)


def _ahead(peer: Candidates, introduced: Endpoint, count: int) -> list[Endpoint]:
    if not peer.step or not peer.next_port:
        return []
    ports = [peer.next_port + index * peer.step for index in range(count)]
    return [introduced._replace(port=port) for port in ports if port < 2**16]
