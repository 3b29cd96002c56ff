"""A simulated machine for one whole Node: what node/asyncio_host.py gives, over the simulated network and a World.

A machine outlives the programs on it: its disk stays, its address stays, and each start of its node takes an
`AgentHost` of its own. When the machine crashes it is cut off first: whatever its program still does, nothing of it
reaches the network or the disk.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, Protocol

from ...nat.mapping.config import MappingConfig
from ...node.asyncio_host import HostConfig
from ...node.overlay.overlay import Overlay
from ...node.pump import Pump
from ...node.registry.client import RegistryClient
from ...wire import fault_points
from ...wire.crypto import REAL, Crypto
from ...wire.endpoint import TRANSPORTS, Endpoint
from ...wire.identity import Identity
from ..disk import Disk
from ..host import endpoint_of
from ..host_clock import HostClock
from ..network.extra_ports import ExtraPorts
from ..network.network import Network
from ..world import ScheduledCall, World
from .registry_calls import RegistryCalls


class Machine:
    """What stays when a node stops: address, key, disk, clock, and sources of randomness."""

    def __init__(self, world: World, network: Network, index: int, crypto: Crypto = REAL) -> None:
        self.index = index
        self.endpoint = endpoint_of(index)
        self.disk = Disk()
        self.clock = HostClock(world)
        self.world = world
        self.network = network
        self.entropy = world.entropy(index)
        self.identity = Identity.generate(self.entropy, crypto)
        self.running: AgentHost | None = None
        """The host of the latest start."""
        self.starts = 0

    def host(self, config: HostConfig | None = None) -> AgentHost:
        """Return the host of the node's next start: what `Node(host=...)` takes."""
        self.starts += 1
        self.running = AgentHost(self)
        return self.running


class StreamUser(Protocol):
    """A program on a machine, beside its node, that has a TCP connection of its own."""

    def opened(self) -> None:
        """The connection stands."""
        ...

    def closed(self) -> None:
        """It is gone, or never came."""
        ...

    def received(self, packet: bytes) -> None:
        """Something came."""
        ...


class AgentHost:
    """The world of one node from start to stop."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.index = machine.index
        self.endpoint = machine.endpoint
        self.loop = asyncio.get_running_loop()
        self.pump: Pump | None = None
        self.overlay: Overlay | None = None
        self.cut_off = False
        """The machine has crashed: nothing that its program does has an effect."""
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._stream_users: dict[Endpoint, StreamUser] = {}
        self._network = machine.network
        self._extra = ExtraPorts(machine.network, machine.index, machine.endpoint, self._received)
        self._clock = machine.clock
        self.now = machine.clock.now
        self.unix_now = machine.clock.unix_now
        self.entropy = machine.entropy

    def bind(self, listen: str) -> Endpoint:
        """Take the machine's own address; `listen` is for machines that have several."""
        return self.endpoint

    def start(self, pump: Pump) -> None:
        """Begin to pass packets."""
        self.pump, self.overlay = pump, pump.overlay
        self._network.attach(self.endpoint, self.index, self._received, self, pump.overlay.uses_stream)

    async def ready(self) -> None:
        """Be ready at once."""

    def cut(self, power_lost: bool) -> None:
        """Vanish; without power, not even connections are reset. The node is to be stopped afterwards, to free it."""
        if not self.cut_off:
            self.cut_off = True
            self._network.detach(self.endpoint, silently=power_lost)
            self._extra.close_all()
        if self.pump is not None:
            self.pump.abandon()

    async def close(self) -> None:
        """Leave the network and end every task that was begun here, in the order of their beginning."""
        if not self.cut_off:
            self._network.detach(self.endpoint)
            self._extra.close_all()
        self.cut_off = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def local_endpoints(self) -> tuple[Endpoint, ...]:
        """Return the machine's address."""
        return (self.endpoint,)

    def kick(self) -> None:
        """Send what a command to the overlay queued."""
        if self.pump is not None:
            self.pump.kick()

    # Clock

    def call_at(self, when: float, callback: Callable[[], None]) -> ScheduledCall:
        """Call back once `now()` has reached `when`."""
        return self._clock.call_at(when, callback)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back at this same instant, but not within this call."""
        self._clock.call_soon(callback)

    # Network

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one packet."""
        if self.cut_off:
            return
        if destination.transport not in TRANSPORTS:
            self._extra.send(packet, destination)
        else:
            self._network.send(packet, self.index, self.endpoint, destination)

    def flush(self, *, expects: bool = True) -> None:
        """Nothing is held back."""

    def close_socket(self, number: int) -> None:
        """Close an extra UDP socket."""
        self._extra.close(number)

    def open_stream(self, destination: Endpoint) -> None:
        """Begin to connect over TCP."""
        if not self.cut_off:
            self._network.open_stream(self.index, self.endpoint, destination)

    def close_stream(self, destination: Endpoint) -> None:
        """Close the TCP connection with this remote endpoint."""
        if not self.cut_off:
            self._network.close_stream(self.index, self.endpoint, destination)

    def use_stream(self, remote: Endpoint, user: StreamUser) -> None:
        """Let somebody else than the node have the connection to a remote endpoint."""
        self._stream_users[remote] = user

    # what the network tells

    def stream_opened(self, endpoint: Endpoint) -> None:
        """Tell whoever asked for it."""
        user = self._stream_users.get(endpoint)
        if user is not None:
            user.opened()
        elif self.pump is not None:
            self.pump.stream_opened(endpoint)

    def stream_closed(self, endpoint: Endpoint) -> None:
        """Tell whoever used it."""
        user = self._stream_users.get(endpoint)
        if user is not None:
            user.closed()
        elif self.pump is not None:
            self.pump.stream_closed(endpoint)

    def _received(self, packet: bytes, source: Endpoint) -> None:
        user = self._stream_users.get(source)
        if user is not None:
            user.received(packet)
        elif self.pump is not None:
            self.pump.receive(packet, source)
            self.pump.flush()

    # the rest of the world

    def random(self) -> Random:
        """Return decisions of their own for each start."""
        return self.machine.world.random(self.index, f"node {self.machine.starts}")

    def run(
        self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """Run a coroutine to its end, or until the host closes."""
        task = self.loop.create_task(coroutine, context=context)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def disk(self, home: Path | None) -> AgentDisk:
        """Return the machine's disk: each has one, whatever the node calls its home."""
        return AgentDisk(self)

    def port_mapping(
        self,
        config: MappingConfig,
        secret: bytes,
        given: Callable[[Endpoint | None], None],
    ) -> None:
        """Return nothing: simulated boxes open no ports on request."""

    def registry(self, url: str) -> RegistryClient:
        """Return a client whose calls go over the simulated network."""
        calls = RegistryCalls(self, url)
        self.use_stream(calls.remote, calls)
        return RegistryClient(url, http=calls)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)


class AgentDisk:
    """The port `Disk` of a host: the machine's disk, until the host is cut off from it."""

    def __init__(self, host: AgentHost) -> None:
        self._host = host
        self._disk = host.machine.disk

    def read(self, name: str, size_bytes_max: int) -> bytes | None:
        """Return the first bytes of a file, or None when there is no such file."""
        if fault_points.active and fault_points.fires("disk.lose-file", self._host.machine.identity.node_id):
            return None
        content = self._disk.read(name)
        return content[:size_bytes_max] if isinstance(content, bytes) else None

    def replace(self, name: str, data: bytes) -> None:
        """Write a file; the kernel brings it to the disk later."""
        if not self._host.cut_off:
            self._disk.write(name, data, self._host.machine.world.now())

    def __str__(self) -> str:
        return f"the disk of machine {self._host.index}"
