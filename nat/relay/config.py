"""What a relay gives away, and what its guests ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """Bound what a node does for others; the defaults are a volunteer's."""

    serve: bool = False
    """Whether to serve at all. A node that cannot be reached from everywhere is no use as one."""

    reservations_max: int = 128
    """Nodes that may be reached through this one. Raising it costs a kept session each, about 4 KiB and 3 B/s."""

    reservations_per_address_max: int = 8
    """The same for one ip address. Raising it lets one host take all."""

    reservation_s: int = 3600
    """How long a reservation counts. Raising it keeps the dead longer; they are renewed at three quarters."""

    circuits_max: int = 1024
    """Circuits at once. Raising it costs about 500 bytes each, and what they carry."""

    circuits_per_peer_max: int = 16
    """Circuits that one node may have opened. Raising it lets one node take all."""

    circuit_idle_s: float = 120.0
    """How long a circuit lives unused. Raising it keeps places of those who went direct or away."""

    circuit_bytes_per_s: float = 125_000.0
    """What one circuit may carry, both ways together: 1 Mbit/s. Raising it costs the operator's traffic."""

    circuit_burst_bytes: float = 65_536.0
    """The same at once. Raising it delays other circuits."""

    relayed_bytes_max: int = 0
    """Bytes carried in the node's life, 0 for no end: for operators who pay by volume."""
