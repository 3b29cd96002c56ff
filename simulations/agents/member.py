"""What a run asks of each of its nodes, whatever it is made of: a whole Node of ours, or the stock library's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ...dht.search import LookupResult
from ...wire.endpoint import Endpoint
from .host import Machine

ID_BYTES = 32


class Lookup(NamedTuple):
    """What a lookup found."""

    nearest: bytes | None
    """Id of the first node of its answer, as `Member.node_id` has it."""
    hops: int
    asked: int
    result: LookupResult | None = None
    """The whole answer, when it is one of our DHT's."""


class Value(NamedTuple):
    """What a get found."""

    value: str | None
    hops: int


class Member(Protocol):
    """One node of the population, up or down. What it cannot do it raises MeshError for."""

    @property
    def machine(self) -> Machine:
        """Where it runs."""
        ...

    @property
    def joined(self) -> bool:
        """It is up and knows others."""
        ...

    @property
    def node_id(self) -> bytes:
        """Its id, 32 bytes; shorter ones are filled with zeros at the end."""
        ...

    async def start(self, introducers: Sequence[Endpoint]) -> bool:
        """Come up and join; true when it found somebody."""
        ...

    def cut_off(self, *, power_lost: bool) -> None:
        """Vanish: nothing that it does any more has an effect. Without power, what was not synced is lost."""
        ...

    async def stop(self) -> None:
        """Leave, with a goodbye where there is such a thing; or, cut off, free what it holds."""
        ...

    async def look_up(self, target: bytes) -> Lookup:
        """Find the nodes nearest to an id of 32 bytes."""
        ...

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Store a value."""
        ...

    async def get(self, key: str) -> Value:
        """Read a value."""
        ...
