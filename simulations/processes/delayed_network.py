"""The port `Network` over a real socket that holds each packet back for as long as its way would take.

The delays are those of tier T1: the same model, seed and indexes. A packet to somebody unknown leaves at once.
"""

from __future__ import annotations

from random import Random

from ...node.asyncio_host import AsyncioHost
from ...wire.endpoint import Endpoint
from ..network.delays import Delays
from ..network.network import HEADER_BYTES

NANOSECONDS = 1e9


class Directory:
    """Which index is at which endpoint; shared by all nodes of a process."""

    def __init__(self) -> None:
        self.index_of: dict[Endpoint, int] = {}


class DelayedNetwork:
    """Send for one node."""

    def __init__(
        self,
        host: AsyncioHost,
        index: int,
        directory: Directory,
        delays: Delays,
        *,
        jitter: float,
        loss: float,
        random: Random,
    ) -> None:
        self.packets = 0
        self.bytes = 0
        self._host = host
        self._index = index
        self._directory = directory
        self._delays = delays
        self._jitter = jitter
        self._loss = loss
        self._random = random

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one packet later, or lose it."""
        self.packets += 1
        self.bytes += len(packet) + HEADER_BYTES
        if self._loss and self._random.random() < self._loss:
            return
        peer = self._directory.index_of.get(destination)
        if peer is None:
            self._host.send(packet, destination)
            return
        delay_s = self._delays.one_way_ns(self._index, peer) / NANOSECONDS
        delay_s *= 1 + self._jitter * self._random.random()
        self._host.loop.call_later(delay_s, self._host.send, packet, destination)

    def close_socket(self, number: int) -> None:
        """Close an extra socket."""
        self._host.close_socket(number)

    def flush(self, *, expects: bool = True) -> None:
        """Nothing is held back to be sent together."""
        self._host.flush(expects=expects)

    def open_stream(self, destination: Endpoint) -> None:
        """Open a TCP connection, without delay: sessions of this tier stay on UDP."""
        self._host.open_stream(destination)

    def close_stream(self, destination: Endpoint) -> None:
        """Close a TCP connection."""
        self._host.close_stream(destination)
