"""The same small world twice: overlays on real sockets, and overlays in the simulator.

A test adds sites, gives commands and waits for conditions; it never sees which world it is in. Loopback is driven by an
event loop of its own, so that a test is a plain function in both worlds.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from mesh99.node.asyncio_host import AsyncioHost, HostConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.node.ports import Clock, Network
from mesh99.node.pump import Pump
from mesh99.simulations.host import Host as SimulatedHost
from mesh99.simulations.network import Network as SimulatedNetwork
from mesh99.simulations.scenario.schema import Links, Scenario
from mesh99.simulations.scenario.units import Share
from mesh99.simulations.world import World as VirtualWorld
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import MeshError
from mesh99.wire.identity import Identity

STEP_S = 0.002


class Site:
    """One overlay on one host, and what has happened to it."""

    def __init__(self, pump: Pump, clock: Clock, network: Network, contact: Contact) -> None:
        self.pump = pump
        self.overlay = pump.overlay
        self.clock = clock
        self.network = network
        self.contact = contact
        self.received: list[bytes] = []
        self.came: list[bytes] = []
        self.gone: list[bytes] = []
        self.overlay.on_message = lambda line, message: self.received.append(bytes(message))
        self.overlay.on_peer = self._note_peer

    def _note_peer(self, line: Line, came: bool) -> None:
        (self.came if came else self.gone).append(line.node_id)

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens over UDP."""
        return self.contact.endpoint

    def connect(self, peer: Contact | Endpoint) -> Call:
        """Call a peer."""
        call = Call()
        self.overlay.connect(peer, self.clock.now(), call)
        self.pump.kick()
        return call

    def send(self, line: Line, message: bytes) -> None:
        """Send a message on a line."""
        self.overlay.send_message(line, message, self.clock.now())
        self.pump.kick()


class Call:
    """Catch the outcome of `connect`."""

    def __init__(self) -> None:
        self.found: Line | None = None
        self.error: MeshError | None = None
        self.outcomes = 0

    def __call__(self, line: Line | None, error: MeshError | None) -> None:
        self.found, self.error = line, error
        self.outcomes += 1

    @property
    def line(self) -> Line:
        """The line that was asked for."""
        assert self.found is not None, self.error
        return self.found


class HostWorld(Protocol):
    """What a test may ask of either world."""

    def add(self, config: OverlayConfig | None = None) -> Site:
        """Start an overlay."""
        ...

    def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Let the world go on until the condition holds; fails after a deadline of the world's own time."""
        ...

    def rest(self, seconds: float) -> None:
        """Let the world go on for so long."""
        ...

    def kill(self, site: Site) -> None:
        """Take a site away without a word."""
        ...

    def close(self, site: Site) -> None:
        """Let a site say goodbye and close."""
        ...

    def close_all(self) -> None:
        """Close what is left."""
        ...


class LoopbackWorld:
    """Overlays on real sockets of this machine, on asyncio's loop or on uvloop's."""

    def __init__(self, loop: str) -> None:
        self.loop: asyncio.AbstractEventLoop = (
            import_module("uvloop").new_event_loop() if loop == "uvloop" else asyncio.new_event_loop()
        )
        self.failures: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda loop, context: self.failures.append(context))
        self._hosts: dict[Site, AsyncioHost] = {}

    def add(self, config: OverlayConfig | None = None, host_config: HostConfig | None = None) -> Site:
        """Start an overlay on a free port of loopback."""
        return self.loop.run_until_complete(self._add(config or OverlayConfig(), host_config))

    async def _add(self, config: OverlayConfig, host_config: HostConfig | None) -> Site:
        host = AsyncioHost(host_config)
        endpoint = host.bind("127.0.0.1:0")
        identity = Identity.generate(os.urandom)
        overlay = Overlay(
            identity,
            config,
            random=random.Random(),
            entropy=host.entropy,
            now=host.now(),
            tcp_port=endpoint.port,
        )
        pump = Pump(overlay, host, host)
        host.start(pump)
        site = Site(pump, host, host, Contact(identity.public_key, endpoint))
        self._hosts[site] = host
        return site

    def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Run the loop until the condition holds."""
        self.loop.run_until_complete(self._until(condition, timeout_s))
        assert self.failures == []

    async def _until(self, condition: Callable[[], object], timeout_s: float) -> None:
        deadline = self.loop.time() + timeout_s
        while not condition():
            assert self.loop.time() < deadline, f"not within {timeout_s:g} s"
            await asyncio.sleep(STEP_S)

    def rest(self, seconds: float) -> None:
        """Run the loop for so long."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def kill(self, site: Site) -> None:
        """Close the sockets without a word."""
        site.pump.abandon()
        self.loop.run_until_complete(self._hosts.pop(site).close())

    def close(self, site: Site) -> None:
        """Say goodbye and close the sockets."""
        site.pump.close()
        self.loop.run_until_complete(self._hosts.pop(site).close())

    def close_all(self) -> None:
        """Close every site and the loop."""
        for site in list(self._hosts):
            self.close(site)
        self.loop.close()


class SimulatedWorld:
    """Overlays in virtual time, on a network that loses nothing."""

    def __init__(self, seed: int = 7) -> None:
        self.world = VirtualWorld(seed)
        scenario = Scenario(name="conformance", about="", links=Links(loss=Share(0.0)))
        self.network = SimulatedNetwork(self.world, scenario)
        self._hosts: dict[Site, SimulatedHost] = {}
        self._count = 0

    def add(self, config: OverlayConfig | None = None) -> Site:
        """Start an overlay on a machine of its own."""
        self._count += 1
        host = SimulatedHost(self.world, self.network, self._count, config or OverlayConfig())
        host.start()
        site = Site(host.pump, host.clock, host, host.contact)
        self._hosts[site] = host
        return site

    def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Let virtual time pass until the condition holds."""
        deadline = self.world.now() + timeout_s
        while not condition():
            assert self.world.now() < deadline, f"not within {timeout_s:g} virtual seconds"
            self.rest(STEP_S)

    def rest(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.world.run_until(self.world.now() + seconds)

    def kill(self, site: Site) -> None:
        """Kill the process; its machine stays."""
        self._hosts.pop(site).stop(graceful=False)

    def close(self, site: Site) -> None:
        """Say goodbye and end the process."""
        self._hosts.pop(site).stop()

    def close_all(self) -> None:
        """Close every site."""
        for site in list(self._hosts):
            self.close(site)


def pair(world: HostWorld, config: OverlayConfig | None = None) -> tuple[Site, Site, Call]:
    """Return two sites with a line from the first to the second."""
    a, b = world.add(config), world.add(config)
    call = a.connect(b.contact)
    world.until(lambda: call.outcomes and b.came)
    assert call.line.node_id == b.contact.node_id
    return a, b, call
