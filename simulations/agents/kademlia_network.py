"""Nodes of the stock `kademlia` library, unmodified, in a simulated world.

The library is written for asyncio, so it runs on the virtual loop as it is; its UDP goes over the simulated network. It
takes times and random numbers from modules of the standard library, by name: those names are lent others for the length
of a run (`library_world`), which is its surroundings and not its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from ...wire.endpoint import Endpoint
from ...wire.errors import ConfigError, LookupFailed, NodeClosed
from ..world import World
from .host import Machine
from .member import ID_BYTES, Lookup, Value
from .silence import silenced

LIBRARY_ID_BYTES = 20
"""Its ids are SHA-1 hashes."""

LOGGERS = ("kademlia", "rpcudp")
"""They warn of every lost packet, which is what a simulated network is about."""

BORROWED = (
    ("kademlia.network", "random"),
    ("kademlia.protocol", "random"),
    ("kademlia.routing", "time"),
    ("kademlia.storage", "time"),
    ("rpcudp.protocol", "os"),
)
"""Where the library looks for chance and time."""


@contextmanager
def library_world(world: World) -> Iterator[None]:
    """Give the library the time and the seed of a world; raises ConfigError when it is not installed."""
    random = world.random(0, "kademlia library")
    lent = {
        "random": random,
        "time": SimpleNamespace(monotonic=world.now),
        "os": SimpleNamespace(urandom=random.randbytes),
    }
    modules = [(_module(module), name) for module, name in BORROWED]
    own = [(module, name, getattr(module, name)) for module, name in modules]
    try:
        for module, name in modules:
            setattr(module, name, lent[name])
        with silenced(LOGGERS):
            yield
    finally:
        for module, name, value in own:
            setattr(module, name, value)


class StockMember:
    """One server of the library, with its own defaults (k 20, alpha 3)."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._id = machine.world.random(machine.index, "kademlia id").randbytes(LIBRARY_ID_BYTES)
        self._server: Any = None
        self._known: list[tuple[str, int]] = []

    @property
    def node_id(self) -> bytes:
        """Its id, filled up to ours: the order of distances stays what it is."""
        return self._id.ljust(ID_BYTES, b"\0")

    @property
    def joined(self) -> bool:
        """It is up and knows others."""
        return self._server is not None and bool(self._server.bootstrappable_neighbors())

    async def start(self, introducers: Sequence[Endpoint]) -> bool:
        """Listen, and join through whom it knew before and is told of."""
        server = _module("kademlia.network").Server(node_id=self._id)
        endpoint = self.machine.endpoint
        await server.listen(endpoint.port, interface=endpoint.host)
        self._server = server
        told = [(introducer.host, introducer.port) for introducer in introducers]
        await server.bootstrap(list(dict.fromkeys([*told, *self._known])))
        return self.joined

    async def join_again(self, introducers: Sequence[Endpoint]) -> None:
        """Try others; the library itself does not try twice."""
        if self._server is not None:
            await self._server.bootstrap([(endpoint.host, endpoint.port) for endpoint in introducers])

    def cut_off(self, *, power_lost: bool) -> None:
        """Vanish."""
        self._close()

    async def stop(self) -> None:
        """Leave; Kademlia has no goodbye. What it knew is what its `save_state` would write."""
        if self._server is not None:
            self._known = self._server.bootstrappable_neighbors()
            self._close()

    async def look_up(self, target: bytes) -> Lookup:
        """Find the nodes nearest to the first 20 bytes of an id."""
        server = self._up()
        wanted = _module("kademlia.node").Node(target[:LIBRARY_ID_BYTES])
        near = server.protocol.router.find_neighbors(wanted)
        crawl = _module("kademlia.crawling").NodeSpiderCrawl(
            server.protocol, wanted, near, server.ksize, server.alpha
        )
        found = await crawl.find()
        nearest = found[0].id.ljust(ID_BYTES, b"\0") if found else None
        return Lookup(nearest, 0, len(crawl.nearest.contacted))

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Store a value; the library keeps all for a week."""
        if not await self._up().set(key, value):
            raise LookupFailed(f"a holder for {key}", "no store succeeded")

    async def get(self, key: str) -> Value:
        """Read a value."""
        return Value(await self._up().get(key), 0)

    def _up(self) -> Any:
        if self._server is None:
            raise NodeClosed("act")
        return self._server

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        hint = "pip install 'mesh99[sim]'"
        raise ConfigError("baseline", f"the library {error.name} is not installed", hint) from None
