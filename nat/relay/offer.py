"""What a relay says of itself to those who look for one, as attributes of a capability, and whom of several to ask."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from ...wire.attributes import Attributes, Value
from ...wire.node_record import NodeRecord

CAPABILITY = "mesh99.relay"
"""Under which relays announce themselves."""

RESERVED_PREFIX = "mesh99."
"""Agents cannot offer what begins with this."""

STEPS = 4
"""Load is told in quarters, so that what a relay says of itself seldom changes."""

DRAWN_PER_PLACE = 2
"""Relays drawn at random for each that is called: the emptier of two is nearly as good as that of all."""


class Offer(NamedTuple):
    """What a relay has to give."""

    free: int
    """Places for nodes that want to be reached through it."""
    load: float
    """From 0, idle, to 1, full: the scarcest of all it has."""
    region: str = ""

    def attributes(self) -> dict[str, Value]:
        """Return it as it is published, the load rounded down: only who is full says so."""
        told: dict[str, Value] = {"free": self.free, "load": int(self.load * STEPS) / STEPS}
        return {**told, "region": self.region} if self.region else told

    @classmethod
    def read(cls, attributes: Attributes) -> Offer:
        """Read what a relay says; what it does not say is taken for the best."""
        free, load, region = (attributes.get(name) for name in ("free", "load", "region"))
        return cls(
            free if isinstance(free, int) else 1,
            float(load) if isinstance(load, int | float) else 0.0,
            region if isinstance(region, str) else "",
        )

    @property
    def has_room(self) -> bool:
        """Tell whether it is worth a question."""
        return self.free > 0 and self.load < 1.0


def choose(relays: Iterable[NodeRecord], count: int, random: Random) -> list[NodeRecord]:
    """Return up to `count` relays to call: drawn at random, of those drawn the emptier, each at an address of its own.

    Relays at one address fall away together, so a second one there comes after all others.
    """
    fit = [each for each in relays if Offer.read(each.attributes).has_room]
    drawn = random.sample(fit, min(len(fit), DRAWN_PER_PLACE * count))
    drawn.sort(key=lambda each: Offer.read(each.attributes).load)
    seen: set[str] = set()
    first: list[NodeRecord] = []
    later: list[NodeRecord] = []
    for relay in drawn:
        hosts = {endpoint.host for endpoint in relay.endpoints if endpoint.is_usable}
        (later if hosts & seen else first).append(relay)
        seen |= hosts
    return (first + later)[:count]
