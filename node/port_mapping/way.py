"""A way to get ports opened: the gateway's own protocols, or UPnP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ...nat.mapping.config import MappingConfig
from ...nat.mapping.lease import Mapped
from ...wire.endpoint import Endpoint
from ..host import Host


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What every way needs."""

    host: Host
    own: Endpoint
    """The port to be mapped, at this machine's address in the local network."""
    config: MappingConfig
    secret: bytes
    """What only this node knows, the same in each of its lives."""
    told: Callable[[Mapped | None], None]
    """Told what is mapped whenever the router said so."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Answers that were of no use, by reason."""


class Way(Protocol):
    """Hold a mapping for as long as it can be had."""

    async def hold(self) -> None:
        """Get ports and renew them; ends only by NoMapping, DecodeError or OSError."""
        ...

    def renew(self) -> None:
        """Renew at once: what was mapped lets nobody in any more."""
        ...

    async def release(self) -> None:
        """Give back what is mapped."""
        ...

    def close(self) -> None:
        """Let go of sockets."""
        ...
