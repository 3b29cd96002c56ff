"""How the nodes of a simulation are configured: as real ones are, on a network of their own."""

from __future__ import annotations

from ...node.overlay.config import OverlayConfig
from ..scenario.schema import Population

NETWORK = "simulation"

AWAKE_MAX = 8
"""Sessions of a node whose ciphers are at hand: a process has thousands of nodes, and no packet shows it."""


def overlay_config(population: Population) -> OverlayConfig:
    """Return the configuration of the nodes of a population."""
    make = OverlayConfig.large if population.is_large else OverlayConfig
    # The cipher is fixed: whether this machine has AES in hardware must not show in the packets.
    return make(network=NETWORK, allow_tcp=False, aes=True, awake_max=AWAKE_MAX)
