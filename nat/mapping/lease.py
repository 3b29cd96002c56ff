"""A mapping that was granted."""

from __future__ import annotations

from typing import NamedTuple


class Lease(NamedTuple):
    """The router sends what comes to its outer port to this node, until a time."""

    transport: str
    external_port: int
    life_s: float
    ends_at: float


class Mapped(NamedTuple):
    """What one router gave."""

    protocol: str
    external_host: str
    """The router's own word on its outer address."""
    leases: tuple[Lease, ...]

    def port(self, transport: str) -> int:
        """Return the outer port of a transport, 0 when there is none."""
        return next((lease.external_port for lease in self.leases if lease.transport == transport), 0)
