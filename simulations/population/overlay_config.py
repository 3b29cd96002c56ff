"""How the nodes of a simulation are configured: as real ones are, on a network of their own."""

from __future__ import annotations

from dataclasses import replace

from ...nat.relay.config import RelayConfig
from ...node.overlay.config import OverlayConfig
from ..scenario.schema import Scenario

NETWORK = "simulation"

AWAKE_MAX = 8
"""Sessions of a node whose ciphers are at hand: a process has thousands of nodes, and no packet shows it."""


def overlay_config(scenario: Scenario) -> OverlayConfig:
    """Return the configuration of the nodes of a scenario."""
    make = OverlayConfig.large if scenario.population.is_large else OverlayConfig
    checks_reach = scenario.nat is not None
    allow_tcp = scenario.nat is not None and scenario.nat.udp_blocked > 0
    # Volunteers would make of every scenario with NATs one with relays: here it says itself how many there are.
    relay = RelayConfig(serve=False)
    # The cipher is fixed: whether this machine has AES in hardware must not show in the packets.
    config = make(network=NETWORK, allow_tcp=allow_tcp, aes=True, relay=relay)
    config = replace(config, awake_max=AWAKE_MAX, awake_quiet_max=AWAKE_MAX)
    return replace(config, checks_reach=checks_reach)


def relaying(config: OverlayConfig) -> OverlayConfig:
    """Return the same configuration for a node that relays for others."""
    return replace(config, relay=replace(config.relay, serve=True))
