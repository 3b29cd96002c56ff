"""Lying observer: tells every caller that it was seen at an address at which it is not.

All of the group tell one caller the same, so that they can be the majority. A lying STUN server answers by the same
function.
"""

from __future__ import annotations

from ...wire.endpoint import Endpoint
from ..host import Host
from .addresses import nowhere
from .adversary import Adversary


class WrongEndpoint:
    """Map an endpoint to the one that is told instead: another address, another port, always the same for the same."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self, source: Endpoint) -> Endpoint:
        """Return the lie."""
        self.told += 1
        number = sum(byte * 257**place for place, byte in enumerate(source.pack()))
        return nowhere(number)._replace(port=source.port ^ 1)


class LyingObserver(Adversary):
    """Nodes that lie about where they see others."""

    def prepare(self) -> None:
        """Agree on the lie."""
        self.lie = WrongEndpoint()

    def figures(self) -> dict[str, float]:
        """Return the share of the nodes that take the lie for where they are, and say so to others."""
        if not self.hosts:
            return {}
        told = [
            (host.endpoint, host.overlay.reach.observations.agreed())
            for host in self.stage.population.honest_live
        ]
        believed = [seen == self.lie(endpoint) for endpoint, seen in told if seen is not None]
        return {"lie_believed": round(sum(believed) / len(believed), 4)} if believed else {}

    def equip(self, host: Host) -> None:
        """Tell callers the lie."""
        host.overlay.observe_with(self.lie)
