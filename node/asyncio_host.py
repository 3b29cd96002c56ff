"""The real world for a node: asyncio's clock and loop, one UDP socket (more on request), a TCP listener on its port.

Binds both sockets, hands packets to the pump, and answers the ports of `ports.py`. With a TURN server its UDP goes
through there (turn_way.py). uvloop serves as well as asyncio's
own loop: only reader and writer callbacks and timers are used.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from ..nat.mapping.config import MappingConfig
from ..nat.turn.account import TurnAccount
from ..wire.endpoint import IPV4, PRIVATE, Endpoint
from ..wire.errors import ConfigError
from .addresses import bind_pair, reached_at
from .busy_poll import BusyPoll
from .datagram_socket import DatagramSocket
from .extra_sockets import ExtraSockets
from .home_disk import HomeDisk
from .pump import Pump
from .stream_socket import StreamTable
from .turn_way import TurnWay

if TYPE_CHECKING:
    from .port_mapping.service import PortMapping
    from .registry.client import RegistryClient

UVLOOP_EARLY_S = 0.00151
"""uvloop rounds a delay to the nearest millisecond and counts it from the last whole one: so much more, and no call
comes before its time, finds nothing due and has to be made again."""

HEAP_BYTES = 4 << 20
"""glibc gives freed memory back at 128 KiB and faults it in again for the next packet, until it has seen a larger block
come and go (mallopt(3), M_MMAP_THRESHOLD). Sealing a 64 KiB packet takes 11 us instead of 47 after it."""

BIND_TRIES = 16
"""Free UDP ports tried until one is free for TCP too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """Limits of the sockets of one node."""

    streams_max: int = 256
    """TCP connections at once; each may hold 128 KiB of buffer."""

    stranger_s: float = 5.0
    """How long a TCP connection may live without a session on it; longer helps slow-loris attacks."""

    connect_s: float = 3.0
    """How long a TCP connection may take to open."""

    extra_sockets_max: int = 512
    """UDP sockets beside the main one; a node that searches the way out of a box opens hundreds for some seconds. Each
    is an open file, of which a process may have 1,024 or so."""

    turn: TurnAccount | None = None
    """The TURN server that UDP goes through: it costs its operator all of the node's traffic, twice."""

    busy_poll_s: float = 0.0003
    """Longest time to stay awake for an answer after sending, where answers come that fast; 0: never. It halves round
    trips on one machine and costs up to so much of a core per packet while they go on."""


class AsyncioHost:
    """Give a node its clock, its sockets and its entropy."""

    def __init__(self, config: HostConfig | None = None) -> None:
        self.config = config or HostConfig()
        bytes(HEAP_BYTES)
        self.loop = asyncio.get_running_loop()
        self._early_s = 0.0 if isinstance(self.loop, asyncio.BaseEventLoop) else UVLOOP_EARLY_S
        self.now = time.monotonic
        """Monotonic seconds; uvloop's own clock stands still within a turn, which would spoil round-trip times."""
        self._busy_poll = BusyPoll(self.loop, self.now, self.config.busy_poll_s)
        self._datagrams: DatagramSocket | TurnWay | None = None
        self._extra: ExtraSockets | None = None
        self._streams: StreamTable | None = None
        self._bound: list[socket.socket] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.endpoint = Endpoint("udp", "127.0.0.1", 0)

    def bind(self, listen: str) -> Endpoint:
        """Bind UDP and TCP on `host:port` (port 0: any that is free for both); raises ConfigError."""
        wanted = Endpoint.parse(listen)
        for attempt in range(BIND_TRIES):
            try:
                self._bound = list(bind_pair(wanted))
                break
            except OSError as error:
                if wanted.port or attempt == BIND_TRIES - 1:
                    hint = "choose another with --listen, or port 0 for any free one"
                    raise ConfigError("listen", f"cannot use {listen}: {error.strerror}", hint) from error
        self.endpoint = wanted._replace(port=self._bound[0].getsockname()[1])
        return self.endpoint

    def start(self, pump: Pump) -> None:
        """Begin to read and write."""
        udp, tcp = self._bound
        self._bound = []
        heard = self._busy_poll.heard
        told = (pump.receive, pump.flush, heard)
        if self.config.turn is None:
            self._datagrams = DatagramSocket(udp, *told)
        else:
            udp.close()
            moved = partial(self._moved, pump)
            self._datagrams = TurnWay(self.config.turn, self.random(), *told, moved)
        self._extra = ExtraSockets(self.endpoint, *told, sockets_max=self.config.extra_sockets_max)
        self._streams = StreamTable(
            pump.receive,
            pump.flush,
            pump.stream_opened,
            pump.stream_closed,
            pump.overlay.uses_stream,
            heard,
            streams_max=self.config.streams_max,
            stranger_s=self.config.stranger_s,
            connect_s=self.config.connect_s,
        )
        self._streams.listen(tcp)

    async def ready(self) -> None:
        """Return once packets can be sent; raises TurnRefused."""
        if isinstance(self._datagrams, TurnWay):
            await self._datagrams.open()

    async def close(self) -> None:
        """Close every socket and end every task that was started here; a second call does nothing."""
        bound, streams, datagrams, extra = self._bound, self._streams, self._datagrams, self._extra
        self._bound, self._streams, self._datagrams, self._extra = [], None, None, None
        for unused in bound:
            unused.close()
        if isinstance(datagrams, TurnWay):
            await datagrams.close()
        elif datagrams is not None:
            datagrams.close()
        if extra is not None:
            extra.close()
        if streams is not None:
            await streams.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def local_endpoints(self) -> tuple[Endpoint, ...]:
        """Return where this node can be reached: on this machine's own addresses, or at its TURN server."""
        if isinstance(self._datagrams, TurnWay):
            relayed = self._datagrams.relayed
            return () if relayed is None else (relayed,)
        return reached_at(self.endpoint)

    def _moved(self, pump: Pump) -> None:
        """Tell the node that the TURN server gave it another address."""
        pump.moved(self.local_endpoints())

    # Clock

    def unix_now(self) -> float:
        """Return wall-clock seconds."""
        return time.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back at a time of `now()`."""
        delay_s = when - time.monotonic()
        return self.loop.call_later(delay_s + self._early_s if delay_s > 0 else 0.0, callback)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back in the loop's next turn."""
        self.loop.call_soon(callback)

    # Network

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one packet over UDP or queue it on a connection."""
        if destination.transport == "udp":
            if self._datagrams is not None:
                self._datagrams.send(packet, destination)
        elif destination.is_datagram:
            if self._extra is not None:
                self._extra.send(packet, destination)
        elif self._streams is not None:
            self._streams.send(packet, destination)

    def flush(self, *, expects: bool = True) -> None:
        """Write what was queued on connections."""
        if self._streams is not None:
            self._streams.flush()
        if expects:
            self._busy_poll.sent()

    def close_socket(self, number: int) -> None:
        """Close an extra socket."""
        if self._extra is not None:
            self._extra.close_one(number)

    def open_stream(self, destination: Endpoint) -> None:
        """Begin to connect over TCP."""
        if self._streams is not None:
            self._streams.open(destination)

    def close_stream(self, destination: Endpoint) -> None:
        """Close a connection."""
        if self._streams is not None:
            self._streams.close_one(destination)

    # the rest of the world

    def entropy(self, size_bytes: int) -> bytes:
        """Return bytes that nobody can guess."""
        return os.urandom(size_bytes)

    def random(self) -> Random:
        """Return a source of decisions, seeded by the system."""
        return Random()

    def disk(self, home: Path | None) -> HomeDisk | None:
        """Return the home directory as a disk."""
        return None if home is None else HomeDisk(home)

    def port_mapping(
        self,
        config: MappingConfig,
        secret: bytes,
        given: Callable[[Endpoint | None], None],
    ) -> PortMapping | None:
        """Return what asks the router, for a node at an address of a local network."""
        local = (each for each in self.local_endpoints() if each.scope == PRIVATE and each.family == IPV4)
        own = next(local, None)
        if own is None:
            return None
        from .port_mapping.service import PortMapping

        return PortMapping(self, own, config, secret, given)

    def registry(self, url: str) -> RegistryClient:
        """Return a client over HTTP. Its library costs 17 MB and 0.1 s, which a node without a registry saves."""
        from .registry.client import RegistryClient

        return RegistryClient(url)

    def run(
        self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """Run a coroutine to its end, or until the host closes."""
        task = self.loop.create_task(coroutine, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
