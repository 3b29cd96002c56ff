"""What kind of host each one is, by the shares of a scenario: its address families, its box, whether it relays."""

from __future__ import annotations

from ...node.overlay.config import OverlayConfig
from ...wire.endpoint import Endpoint
from ..host import public_endpoint_of
from ..network.network import Network
from ..scenario.schema import Scenario
from ..world import World
from .family_mix import FamilyMix
from .overlay_config import relaying


class HostMix:
    """Decide of one host after the other where it is and how it is configured."""

    def __init__(self, world: World, network: Network, scenario: Scenario) -> None:
        self.is_mixed = scenario.population.is_mixed
        self._world = world
        self._network = network
        self._families = FamilyMix(world, scenario.population)
        self._translated = scenario.nat is not None
        self._relays = float(scenario.population.relays)

    def endpoints_of(self, index: int) -> tuple[Endpoint, ...]:
        """Return the addresses of the host of an index, which is placed behind its box if it has one."""
        return (public_endpoint_of(index),) if self._is_public(index) else self._families.endpoints_of(index)

    def config_of(self, index: int, config: OverlayConfig) -> OverlayConfig:
        """Return the configuration of a host: that of all, or that of a relay."""
        drawn = self._relays > 0 and self._world.random(index, "relay").random() < self._relays
        return relaying(config) if drawn and self._is_public(index) else config

    def _is_public(self, index: int) -> bool:
        """Tell whether a host has a public address, where others are behind boxes; elsewhere nobody needs any."""
        if self._translated:
            self._network.place(index)
        return self._translated and self._network.box_of(index) is None
