"""The systems side by side, and what an adapter module must offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..system import System
from .ways import Address, Way

BENCH_EXTRA = "pip install -e '.[bench]'"


class Network(Protocol):
    """The nodes of one system in this process, all on 127.0.0.1; their numbers are those of the whole network."""

    async def join(self, numbers: Sequence[int], way_in: Address | None) -> Address:
        """Start nodes, and return when each one is in by way of the one at `way_in`; without it the network begins.

        Return where others reach the first of them.
        """

    async def put(self, node: int, key: str, value: bytes) -> bool:
        """Store a value by way of a node; tell whether the system says that it is stored."""

    async def get(self, node: int, key: str) -> bytes | None:
        """Find a value by way of a node, or None."""

    async def kill(self, nodes: Sequence[int]) -> None:
        """Let nodes fall silent without a goodbye."""

    async def close(self) -> None:
        """Stop every node that is left."""


class Adapter(Protocol):
    """A module that lets the harness drive one system."""

    def make_network(self, way: Way) -> Network:
        """Make a network without nodes, whose datagrams take this way."""


SYSTEMS = (
    System(
        name="kademlia",
        module="benchmarks.dht.kademlia_network",
        distributions=("kademlia",),
        install=BENCH_EXTRA,
    ),
    System(
        name="opendht",
        module="benchmarks.dht.opendht_network",
        distributions=("opendht",),
        install="apt-get install python3-opendht, and run with Debian's version of Python",
    ),
    System(
        name="mesh99",
        module="benchmarks.dht.mesh99_network",
        distributions=("mesh99",),
        install="pip install -e .",
    ),
)
