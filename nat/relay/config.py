"""What a relay gives away, and what its guests ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ...wire.attributes import TEXT_BYTES_MAX
from ...wire.errors import ConfigError

OPERATOR_RESERVATIONS = 1024
"""Reservations of a relay that somebody runs on purpose: 4 MiB and 3 kB/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """Bound what a node does for others; the defaults are a volunteer's."""

    serve: bool | Literal["auto"] = "auto"
    """Whether to serve: always, never, or as a volunteer, which is while strangers are known to reach this node."""

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

    bytes_per_s_max: float = 1_250_000.0
    """What all circuits together may carry: 10 Mbit/s, 0 for no end. Raising it leaves its owner less."""

    relayed_bytes_max: int = 0
    """Bytes carried in the node's life, 0 for no end: for operators who pay by volume."""

    region: str = ""
    """Where it stands, for those who look for a relay: any short text, such as `eu`; empty tells nothing."""

    @classmethod
    def operator(cls, **limits: Any) -> RelayConfig:
        """Return the configuration of a relay that somebody runs on purpose: it always serves, and more."""
        most = {"reservations_max": OPERATOR_RESERVATIONS, "bytes_per_s_max": 0.0}
        return cls(**{"serve": True, **most, **limits})

    def __post_init__(self) -> None:
        """Check what a person may have set; raises ConfigError."""
        if self.serve not in (True, False, "auto"):
            raise ConfigError("serve", f"{self.serve!r} is neither true, false nor auto")
        for name in ("reservations_max", "circuits_max"):
            if getattr(self, name) < 1:
                raise ConfigError(name, "must be at least 1")
        if len(self.region.encode()) > TEXT_BYTES_MAX or not self.region.isprintable():
            raise ConfigError("region", f"must be at most {TEXT_BYTES_MAX} bytes that can be printed")
