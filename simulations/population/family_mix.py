"""Which hosts speak IPv4, IPv6 or both, by the shares of a scenario."""

from __future__ import annotations

from ...wire.endpoint import IPV4, IPV6, Endpoint
from ..host import endpoint_of, ipv6_endpoint_of
from ..scenario.schema import Population as Settings
from ..world import World

BOTH = IPV4 | IPV6


class FamilyMix:
    """Draw the families of one host after the other; a network that is not mixed is IPv4 and draws nothing."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.is_mixed = settings.is_mixed
        self._settings = settings
        self._random = world.random(0, "families")

    def endpoints_of(self, index: int) -> tuple[Endpoint, ...]:
        """Return the addresses of the host of an index: one for each of its families, IPv4 first."""
        families = self._families(index) if self.is_mixed else IPV4
        ipv4 = (endpoint_of(index),) if families & IPV4 else ()
        return (*ipv4, ipv6_endpoint_of(index)) if families & IPV6 else ipv4

    def _families(self, index: int) -> int:
        """Return the first few as both: whoever comes must find somebody whom it reaches."""
        drawn = self._random.random()
        if index <= self._settings.introducers or drawn < self._settings.dual_stack:
            return BOTH
        return IPV6 if drawn < self._settings.dual_stack + self._settings.ipv6_only else IPV4
