"""One node of a child process: an Overlay on real sockets, with the identity and the randomness it has in tier T1."""

from __future__ import annotations

from collections.abc import Callable

from ...dht.search import LookupResult
from ...node.asyncio_host import AsyncioHost, HostConfig
from ...node.overlay.overlay import Overlay
from ...node.pump import Pump
from ...wire.contact import Contact
from ...wire.crypto import REAL
from ...wire.endpoint import Endpoint
from ...wire.identity import Identity, NodeId, PublicKey
from ..cipher_suite import SimulatedCrypto
from ..host import HostEntropy
from ..network.delays import delays_of
from ..scenario.schema import Latency
from ..world import World
from .delayed_network import DelayedNetwork, Directory
from .orders import Peer, Setup
from .request_counter import RequestCounter

LOOPBACK = "127.0.0.1"

HOST_CONFIG = HostConfig(busy_poll_s=0.0)
"""Delays are long here, and a process that stays awake for answers would take the core from the others."""


class Surroundings:
    """What the nodes of one process share."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.world = World(setup.seed)
        self.latency = Latency(**setup.latency)  # type: ignore[arg-type]
        self.delays = delays_of(self.world, self.latency)
        self.crypto = REAL if setup.crypto == "real" else SimulatedCrypto()
        self.directory = Directory()
        self.requests = RequestCounter()


class Machine:
    """Run one node."""

    def __init__(self, around: Surroundings, index: int) -> None:
        world, config = around.world, around.setup.config
        entropy = HostEntropy(world, index)
        self.identity = Identity.generate(entropy, around.crypto)
        self.host = AsyncioHost(HOST_CONFIG)
        self.endpoint = self.host.bind(f"{LOOPBACK}:0")
        self.network = DelayedNetwork(
            self.host,
            index,
            around.directory,
            around.delays,
            jitter=around.latency.jitter,
            loss=around.setup.loss,
            random=world.random(index, "packets"),
        )
        random, now = world.random(index, "overlay"), self.host.now()
        self.overlay = Overlay(self.identity, config, random=random, entropy=entropy, now=now)
        around.requests.watch(self.overlay)
        self.pump = Pump(self.overlay, self.host, self.network)
        self.host.start(self.pump)
        self.peer = Peer(index=index, key=self.identity.public_key.hex(), port=self.endpoint.port)

    def join(self, introducers: list[Peer], retry_s: float, done: Callable[[float], None]) -> None:
        """Join as a simulated host does: ask all at once, go on with the first that answers."""
        Attempt(self, [contact_of(peer) for peer in introducers], retry_s, done).start()

    def look_up(self, target: bytes, count: int, done: Callable[[LookupResult, float], None]) -> None:
        """Find the `count` nodes nearest to an id."""
        began_s = self.host.now()

        def found(result: LookupResult) -> None:
            done(result, self.host.now() - began_s)

        self.overlay.dht.find_node(NodeId(target), began_s, found, count=count)
        self.pump.kick()

    async def close(self) -> None:
        """End without a word."""
        self.pump.abandon()
        await self.host.close()


class Attempt:
    """One node's way into the network."""

    def __init__(
        self, machine: Machine, introducers: list[Contact], retry_s: float, done: Callable[[float], None]
    ) -> None:
        self._machine = machine
        self._introducers = introducers
        self._retry_s = retry_s
        self._done = done
        self._began_s = machine.host.now()

    def start(self) -> None:
        """Ask all introducers."""
        machine = self._machine
        if not self._introducers:
            self._done(0.0)
            return
        machine.overlay.dht.bootstrap(machine.host.now(), self._bootstrapped, through=self._introducers)
        machine.pump.kick()

    def _bootstrapped(self, result: LookupResult) -> None:
        if result.contacts:
            self._done(self._machine.host.now() - self._began_s)
        else:
            self._try_later()

    def _try_later(self) -> None:
        host = self._machine.host
        host.call_at(host.now() + self._retry_s, self.start)


def endpoint_of(peer: Peer) -> Endpoint:
    """Return where a peer listens."""
    return Endpoint("udp", LOOPBACK, peer.port)


def contact_of(peer: Peer) -> Contact:
    """Return a peer as the DHT knows it."""
    return Contact(PublicKey(bytes.fromhex(peer.key)), endpoint_of(peer))
