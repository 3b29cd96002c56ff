"""Boxes for a population: who is behind which kind, by the shares of a scenario."""

from __future__ import annotations

from ..scenario.schema import Nat
from ..world import World
from .nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy

ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT = Behaviour

KINDS: dict[str, tuple[Behaviour, Behaviour, PortPolicy]] = {
    # mapping, filtering, ports
    "endpoint_independent": (ENDPOINT_INDEPENDENT, ENDPOINT_INDEPENDENT, PortPolicy.PRESERVING),
    "address_restricted": (ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT, PortPolicy.PRESERVING),
    "port_restricted": (ENDPOINT_INDEPENDENT, ADDRESS_AND_PORT_DEPENDENT, PortPolicy.PRESERVING),
    "symmetric": (ADDRESS_AND_PORT_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT, PortPolicy.RANDOM),
    "symmetric_sequential": (ADDRESS_AND_PORT_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT, PortPolicy.SEQUENTIAL),
    "udp_blocked": (ENDPOINT_INDEPENDENT, ADDRESS_AND_PORT_DEPENDENT, PortPolicy.PRESERVING),
}

HOMES, CARRIERS = 11, 40
"""The first bytes of their public addresses; those of hosts without a box are in host.py."""

CARRIER_HOMES = 64
"""Homes that share one public address of a carrier: each has about a thousand ports then, as where there are quotas."""

CARRIER_MAPPINGS_MAX = 64_000
"""A carrier's address has no more ports than that."""


class NatMix:
    """Give each machine a box of its own, or none, as a scenario's shares say."""

    def __init__(self, world: World, nat: Nat) -> None:
        self._world = world
        self._nat = nat
        self._ports = world.random(0, "nat ports")
        self._behind_carriers = 0
        self._carrier: NatBox | None = None

    def box_for(self, index: int) -> NatBox | None:
        """Make the box of a machine; None when it is public. Carriers' boxes are shared in the order of asking."""
        random = self._world.random(index, "nat")
        kind = self._kind(random.random())
        if kind is None:
            return None
        if self._nat.carrier_grade and random.random() < self._nat.carrier_grade:
            return NatBox(self._config(kind), _inside_carrier(index), self._ports, self._carrier_box())
        return NatBox(self._config(kind), _public(HOMES, index), self._ports)

    def _kind(self, draw: float) -> str | None:
        for kind in KINDS:
            draw -= getattr(self._nat, kind)
            if draw < 0:
                return kind
        return None

    def _config(self, kind: str) -> NatBoxConfig:
        mapping, filtering, ports = KINDS[kind]
        return NatBoxConfig(
            mapping=mapping,
            filtering=filtering,
            ports=ports,
            timeout_s=self._nat.mapping_timeout,
            hairpin=self._nat.hairpin,
            udp_blocked=kind == "udp_blocked",
        )

    def _carrier_box(self) -> NatBox:
        number, place = divmod(self._behind_carriers, CARRIER_HOMES)
        self._behind_carriers += 1
        if self._carrier is None or not place:
            config = NatBoxConfig(
                ports=PortPolicy.RANDOM,
                timeout_s=self._nat.mapping_timeout,
                hairpin=self._nat.hairpin,
                mappings_max=CARRIER_MAPPINGS_MAX,
            )
            self._carrier = NatBox(config, _public(CARRIERS, number), self._ports)
        return self._carrier


def _public(first: int, number: int) -> str:
    """Return a public address in a /24 of its own: nobody is counted for a neighbour of somebody else."""
    return f"{first + (number >> 16)}.{number >> 8 & 255}.{number & 255}.1"


def _inside_carrier(number: int) -> str:
    """Return an address of 100.64/10, which is for the insides of carriers (RFC 6598)."""
    total = (100 << 24 | 64 << 16) + number
    return f"{total >> 24}.{total >> 16 & 255}.{total >> 8 & 255}.{total & 255}"
