"""mesh99 in a lab: nodes on public servers that relay for others, and one in each of two hosts."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

from mesh99.dht import DhtConfig
from mesh99.nat.relay.config import RelayConfig
from mesh99.node import Node, NodeConfig
from mesh99.node.asyncio_host import AsyncioHost, HostConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.endpoint import Endpoint

from .lab import Lab
from .namespace import Namespace
from .peer import READY_S
from .site import Host

SCRIPT = str(Path(__file__).with_name("mesh_peer.py"))
PORT = 4100
RELAYS = 3
WARM, LOOKUP, COLD = "warm", "lookup", "cold"


class Mesh:
    """Our own nodes: three public ones that relay, and five that nobody knows of but these.

    Those are visitors, which are in no table: strangers who can try whether they get in. In a network of any size most
    nodes are strangers to each other; here all others soon have met.

    The caller's first greeting rides in its call, unless everything may come only `once`.

    They begin `warm`: both know their boxes and have relays, and the caller has looked the other up before; with
    `lookup` it has not; `cold`, both start when they are told to connect. Nodes without UDP always begin cold: how
    long it takes to find that out is what one wants to know of them.
    """

    servers = 8

    def __init__(self, start: str = WARM, *, once: bool = False) -> None:
        self._start = start
        self._once = once

    @contextmanager
    def serving(self, lab: Lab) -> Iterator[None]:
        """Run a node on each public server, until the block ends."""
        nodes = PublicNodes(lab.servers)
        thread = threading.Thread(target=asyncio.run, args=(nodes.live(),), daemon=True)
        thread.start()
        try:
            nodes.ready.result(READY_S)
            yield
        finally:
            nodes.end()
            thread.join(READY_S)

    def command(self, lab: Lab, host: Host, role: str) -> Sequence[str]:
        """Name the peer's script and settings."""
        peers = [f"{server.address}:{PORT}" for server in lab.servers[:RELAYS]]
        start = self.start(lab.sites_as_written)
        listen = f"{host.address}:0"
        settings = {"role": role, "start": start, "once": self._once, "listen": listen, "peers": peers}
        return [SCRIPT, json.dumps(settings)]

    def start(self, sites: Sequence[str]) -> str:
        """Say how they begin."""
        return COLD if any("udpblock" in site for site in sites) else self._start


class PublicNodes:
    """The nodes on the servers, all in one thread of this process: starting a process for each would take longer."""

    def __init__(self, servers: Sequence[Host]) -> None:
        self._servers = servers
        self.ready: Future[asyncio.AbstractEventLoop] = Future()
        self._ended = asyncio.Event()

    async def live(self) -> None:
        """Start the relays one after the other, then the strangers, and keep them until the end."""
        async with AsyncExitStack() as nodes:
            try:
                for number in range(RELAYS):
                    await nodes.enter_async_context(self._node(number))
                strangers = (self._node(number) for number in range(RELAYS, len(self._servers)))
                await asyncio.gather(*map(nodes.enter_async_context, strangers))
            except BaseException as error:
                self.ready.set_exception(error)
                raise
            self.ready.set_result(asyncio.get_running_loop())
            await self._ended.wait()

    def end(self) -> None:
        """Let them stop."""
        if self.ready.done() and self.ready.exception() is None:
            self.ready.result().call_soon_threadsafe(self._ended.set)

    def _node(self, number: int) -> Node:
        server, others = self._servers[number], self._servers[: min(number, RELAYS)]
        is_visitor = number >= RELAYS
        overlay = OverlayConfig(
            checks_reach=True, relay=RelayConfig(serve=not is_visitor), dht=DhtConfig(ephemeral=is_visitor)
        )
        return Node(
            listen=f"{server.address}:{PORT}",
            registries=[],
            peers=[f"{other.address}:{PORT}" for other in others],
            config=NodeConfig(overlay=overlay),
            host=partial(HostInside, server),
        )


class HostInside(AsyncioHost):
    """Sockets that were bound in a namespace stay there, whatever thread uses them."""

    def __init__(self, namespace: Namespace, config: HostConfig) -> None:
        super().__init__(config)
        self._namespace = namespace

    def bind(self, listen: str) -> Endpoint:
        """Bind inside."""
        with self._namespace.entered():
            return super().bind(listen)
