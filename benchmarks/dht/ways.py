"""How datagrams of the nodes of a network reach each other: bare loopback, or wide-area delays and losses on it.

Wide-area, a process of its own stands between all nodes (wan_process.py). To each other the nodes are where it
answers for them, so that whatever a system sends passes it, in C++ or Python alike, and no system has to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..child import Child

HOST = "127.0.0.1"  # where nodes bind
SHIM = "benchmarks.dht.wan_process"
SHIM_TIMEOUT_S = 20.0

Address = tuple[str, int]
"""Host and port."""

WAYS = ("loopback", "wan")


class Loopback:
    """Nothing between the nodes."""

    def outside(self, ports: Sequence[int]) -> list[Address]:
        """Return where other nodes reach those that are bound to ports of HOST."""
        return [(HOST, port) for port in ports]

    def figures(self) -> dict[str, Any]:
        """Tell nothing."""
        return {}

    def close(self) -> None:
        """Close nothing."""


class Wan:
    """The shim between all nodes."""

    def __init__(self, cpus: Sequence[int], seed: int) -> None:
        settings = {"system": "wan shim", "cpus": list(cpus), "seed": seed}
        self._shim = Child(SHIM, settings, SHIM_TIMEOUT_S)

    def outside(self, ports: Sequence[int]) -> list[Address]:
        """Return where other nodes reach those that are bound to ports of HOST."""
        answer = self._shim.ask({"ports": list(ports)}, SHIM_TIMEOUT_S)
        return [(host, port) for host, port in answer["outside"]]

    def figures(self) -> dict[str, Any]:
        """Tell how late the shim was, beyond the delays that it should give."""
        return self._shim.ask({"report": True}, SHIM_TIMEOUT_S)

    def close(self) -> None:
        """End the shim."""
        self._shim.close()


Way = Loopback | Wan


def make_way(net: str, cpus: Sequence[int], seed: int) -> Way:
    """Make the way of a name in WAYS."""
    return Wan(cpus, seed) if net == "wan" else Loopback()
