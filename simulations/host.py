"""A simulated machine: gives one Overlay its clock, network, entropy and disk, as node/asyncio_host.py does.

It stays when its node goes: `start` after a `stop` or `crash` is the same machine with the same identity, endpoint and
disk, and a new Overlay that remembers only what the disk has kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from ipaddress import IPv6Address
from typing import Protocol

from ..dht.entry import Entry
from ..node.config import NodeConfig
from ..node.overlay.config import OverlayConfig
from ..node.overlay.overlay import Overlay
from ..node.pump import Pump
from ..wire import fault_points
from ..wire.contact import Contact
from ..wire.crypto import REAL, Crypto
from ..wire.endpoint import TRANSPORTS, Endpoint, families_of
from ..wire.identity import Identity
from .disk import Disk
from .host_clock import HostClock
from .network.extra_ports import ExtraPorts
from .network.network import Network
from .world import World

PORT = 7400
IPV6_NETWORK = 0xFD99 << 112
CONTACTS_FILE = "contacts.json"

NODE = NodeConfig()
"""How often a node saves how many contacts, and how often it looks whether it is alone."""


def endpoint_of(index: int) -> Endpoint:
    """Return the address of a host that has no NAT: 10.x.x.x, where subnets say nothing about their owner."""
    return Endpoint("udp", f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}", PORT)


def public_endpoint_of(index: int) -> Endpoint:
    """Return the address of a host that is public where others are behind boxes: each in a /24 of its own."""
    return Endpoint("udp", f"{60 + (index >> 16)}.{index >> 8 & 255}.{index & 255}.1", PORT)


def ipv6_endpoint_of(index: int) -> Endpoint:
    """Return the address that a host has in the IPv6 part of the network: unique local ones (RFC 4193)."""
    return Endpoint("udp", str(IPv6Address(IPV6_NETWORK + index)), PORT)


def index_of(host: str) -> int:
    """Return whose address this is."""
    _, high, middle, low = (int(part) for part in host.split("."))
    return high << 16 | middle << 8 | low


class HostEntropy:
    """The port `Entropy` of one host: a key and a counter, a twentieth of the memory of a Random."""

    __slots__ = ("_count", "_key")

    def __init__(self, world: World, index: int) -> None:
        self._key = world.random(index, "entropy").randbytes(32)
        self._count = 0

    def __call__(self, size_bytes: int) -> bytes:
        """Return bytes that nobody guesses who does not know the seed."""
        count = self._count = self._count + 1
        drawn = blake2b(count.to_bytes(8, "big"), key=self._key).digest()
        # Mostly one block is enough.
        return drawn[:size_bytes] if size_bytes <= len(drawn) else drawn + self(size_bytes - len(drawn))


class Watcher(Protocol):
    """Whoever keeps the list of those that are up."""

    def came_up(self, host: Host) -> None:
        """Note that a host has started."""

    def went_down(self, host: Host) -> None:
        """Note that a host has stopped or crashed; its Overlay is gone already."""


class Host:
    """Run one Overlay in a world; `overlay` and `pump` are there only while it is up."""

    __slots__ = (
        "_config",
        "_entropy",
        "_extra",
        "_network",
        "_random",
        "_saves_from",
        "_sources",
        "_watcher",
        "_world",
        "clock",
        "contact",
        "disk",
        "endpoint",
        "endpoints",
        "families",
        "honest",
        "identity",
        "index",
        "joined",
        "on_start",
        "overlay",
        "place",
        "pump",
        "session",
        "up",
    )

    overlay: Overlay
    pump: Pump

    def __init__(
        self,
        world: World,
        network: Network,
        index: int,
        config: OverlayConfig,
        *,
        crypto: Crypto = REAL,
        identity: Identity | None = None,
        endpoint: Endpoint | None = None,
        others: tuple[Endpoint, ...] = (),
        honest: bool = True,
        watcher: Watcher | None = None,
    ) -> None:
        self.index = index
        self.honest = honest
        self.endpoint = endpoint or endpoint_of(index)
        self.endpoints = (self.endpoint, *others)
        """All its addresses, one a family."""
        self.families = families_of(self.endpoints)
        self._sources = {endpoint.family: endpoint for endpoint in self.endpoints}
        self.disk = Disk()
        self.clock = HostClock(world)
        self.up = False
        self.joined = False
        """It found its network since it started."""
        self.session = 0
        """How many times it has started: what was begun in another session is void."""
        self.place: list[int] = []
        """Where it stands in the lists of its population, which it leaves in one step."""
        self.on_start: Callable[[Host], None] | None = None
        """Called with each new Overlay before its first packet: to replace a part of it."""
        self._entropy = HostEntropy(world, index)
        self._random = world.random(index, "overlay")
        self.identity = identity or Identity.generate(self._entropy, crypto)
        self.contact = Contact(self.identity.public_key, self.endpoint)
        self._config = config
        self._network = network
        self._world = world
        self._watcher = watcher
        self._saves_from = 0.0
        self._extra = ExtraPorts(network, index, self.endpoint, self._receive)

    def start(self) -> None:
        """Start the node; no effect on one that is up."""
        if self.up:
            return
        now = self.clock.now()
        self.overlay = Overlay(
            self.identity,
            self._config,
            random=self._random,
            entropy=self._entropy,
            now=now,
            tcp_port=self.endpoint.port if self._config.allow_tcp else 0,
            families=self.families,
        )
        self.overlay.dht.naming.here = self._here
        self.overlay.reach.own_endpoints = self.endpoints
        self.pump = Pump(self.overlay, self.clock, self)
        streams = (self.pump, self.overlay.uses_stream) if self._config.allow_tcp else ()
        for endpoint in self.endpoints:
            self._network.attach(endpoint, self.index, self._receive, *streams)
        self.session += 1
        self.up = True
        if self.on_start is not None:
            self.on_start(self)
        if self._watcher is not None:
            self._watcher.came_up(self)

    def _here(self) -> tuple[Endpoint, ...]:
        return self.endpoints

    def note_joined(self) -> None:
        """Note that it found its network; from now on it saves its contacts."""
        if not self.joined:
            self.joined = True
            self._saves_from = self.clock.now()

    def contact_for(self, families: int) -> Contact | None:
        """Return how others reach it that speak these address families; None when they do not."""
        for endpoint in self.endpoints:
            if endpoint.family & families:
                return (
                    self.contact if endpoint is self.endpoint else Contact(self.identity.public_key, endpoint)
                )
        return None

    def stop(self, graceful: bool = True) -> None:
        """Stop the node, with a word to its peers and its contacts saved, or as a killed process does."""
        if not self.up:
            return
        self._make_up_saves()
        if graceful:
            self._save(self.clock.now())
            self.pump.close()
        self._vanish()

    def crash(self) -> None:
        """Lose the power: nobody is told, and what was not synced is lost."""
        if self.up:
            self._make_up_saves()
            self.disk.lose_unsynced(self.clock.now())
            self._vanish(silently=True)

    def saved_contacts(self) -> tuple[Contact, ...]:
        """Return the contacts that the disk has kept."""
        if fault_points.active and fault_points.fires("disk.lose-file", self.identity.node_id):
            return ()
        content = self.disk.read(CONTACTS_FILE)
        return content if isinstance(content, tuple) else ()

    def _vanish(self, silently: bool = False) -> None:
        self.pump.abandon()
        for endpoint in self.endpoints:
            self._network.detach(endpoint, silently=silently)
        self._extra.close_all()
        self.up = self.joined = False
        del self.overlay, self.pump
        if self._watcher is not None:
            self._watcher.went_down(self)

    def _receive(self, packet: bytes, source: Endpoint) -> None:
        self.pump.receive(packet, source)
        self.pump.flush()

    # the disk

    def _make_up_saves(self) -> None:
        """Write what the last two of the regular saves wrote: earlier ones are overwritten, later ones never were.

        A save a host every half minute would cost more than all else it does. What cannot be made up for is a contact
        that was evicted since then; a node that is about to be stopped would have saved it once more.
        """
        if self.joined:
            now, every_s = self.clock.now(), NODE.contacts_save_s
            last = now - (now - self._saves_from) % every_s
            for when in (last - every_s, last):
                if when >= self._saves_from:
                    self._save(when)

    def _save(self, when: float) -> None:
        known = [entry for entry in self._entries() if entry.added_at <= when and not entry.failures]
        known.sort(key=lambda entry: entry.added_at)
        contacts = tuple(entry.contact for entry in known[: NODE.contacts_saved_max])
        if contacts:
            self.disk.write(CONTACTS_FILE, contacts, when)

    def _entries(self) -> Iterator[Entry]:
        return (entry for context in self.overlay.dht.contexts for entry in context.table)

    # the port `Network` of node/ports.py

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one packet."""
        if destination.transport not in TRANSPORTS:
            self._extra.send(packet, destination)
            return
        source = self._source_for(destination)
        if source is None:
            self._network.lost["no address of the family"] += 1
        else:
            self._network.send(packet, self.index, source, destination)

    def flush(self, *, expects: bool = True) -> None:
        """Nothing is held back."""

    def close_socket(self, number: int) -> None:
        """Close an extra UDP socket."""
        self._extra.close(number)

    def open_stream(self, destination: Endpoint) -> None:
        """Begin to connect over TCP; the pump is told how it ended."""
        source = self._source_for(destination)
        if source is None:
            self.clock.call_soon(partial(self._no_stream, self.session, destination))
        else:
            self._network.open_stream(self.index, source, destination)

    def close_stream(self, destination: Endpoint) -> None:
        """Close the TCP connection with this remote endpoint."""
        source = self._source_for(destination)
        if source is not None:
            self._network.close_stream(self.index, source, destination)

    def _source_for(self, destination: Endpoint) -> Endpoint | None:
        """Return its own address of the family of a destination."""
        return self._sources.get(destination.family)

    def _no_stream(self, session: int, destination: Endpoint) -> None:
        """Tell that a connection never came."""
        if self.up and self.session == session:
            self.pump.stream_closed(destination)
