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
from mesh99.node.overlay.line import Line
from mesh99.wire.endpoint import Endpoint

from .lab import Lab
from .namespace import Namespace
from .peer import READY_S
from .site import Host

SCRIPT = str(Path(__file__).with_name("mesh_peer.py"))
PORT = 4100
RELAYS = 3
DELAYED_S = 2.0  # by how much a relay that delays does it
WARM, LOOKUP, COLD = "warm", "lookup", "cold"


class Mesh:
    """Our own nodes: three public ones that relay, and five that nobody knows of but these.

    Those are visitors, which are in no table: strangers who can try whether they get in. In a network of any size most
    nodes are strangers to each other; here all others soon have met.

    They begin `warm`: both know their boxes and have relays, and the caller has looked the other up before; with
    `lookup` it has not; `cold`, both start when they are told to connect. Nodes without UDP always begin cold: how
    long it takes to find that out is what one wants to know of them.
    """

    servers = 8

    def __init__(self, start: str = WARM, stream_s: float = 0.0) -> None:
        self._start = start
        self._stream_s = stream_s
        """For how long the caller sends one message after the other; 0: until its path is final."""

    @contextmanager
    def serving(self, lab: Lab) -> Iterator[None]:
        """Run a node on each public server, until the block ends."""
        nodes = self.nodes = PublicNodes(lab.servers)
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
        settings = {"role": role, "start": start, "listen": f"{host.address}:0", "peers": peers}
        settings["stream_s"] = self._stream_s
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
        self._relays: list[SpoiltRelay] = []

    async def live(self) -> None:
        """Start the relays one after the other, then the strangers, and keep them until the end."""
        async with AsyncExitStack() as nodes:
            try:
                for number in range(RELAYS):
                    node = await nodes.enter_async_context(self._node(number))
                    self._relays.append(SpoiltRelay(node))
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

    def busiest(self) -> int:
        """Return the number of the relay that has forwarded most lately."""
        counts = [relay.forwarded for relay in self._relays]
        return counts.index(max(counts))

    def spoil(self, how: str) -> None:
        """Let the busiest relay drop, delay or truncate what it should forward, from now on."""
        relay = self._relays[self.busiest()]
        self.ready.result().call_soon_threadsafe(setattr, relay, "how", how)

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


class SpoiltRelay:
    """What a relay does with packets that it should forward: what it should, or as it is told."""

    def __init__(self, node: Node) -> None:
        assert node._running is not None
        self._running = node._running
        self._relaying = node._running.overlay.relaying
        self._forward = self._relaying._forward
        self._relaying._forward = self._take  # type: ignore[method-assign]
        self.how = ""
        self.forwarded = 0

    def _take(self, line: Line, number: int, packet: bytes, now: float) -> None:
        self.forwarded += 1
        if self.how == "delay":
            asyncio.get_running_loop().call_later(DELAYED_S, self._late, line, number, packet)
        elif self.how != "drop":
            self._forward(line, number, packet[: len(packet) // 2] if self.how else packet, now)

    def _late(self, line: Line, number: int, packet: bytes) -> None:
        self._forward(line, number, packet, self._running.host.now())
        self._running.pump.kick()


class HostInside(AsyncioHost):
    """Sockets that were bound in a namespace stay there, whatever thread uses them."""

    def __init__(self, namespace: Namespace, config: HostConfig) -> None:
        super().__init__(config)
        self._namespace = namespace

    def bind(self, listen: str) -> Endpoint:
        """Bind inside."""
        with self._namespace.entered():
            return super().bind(listen)
