"""A network that delays and loses: per pair of nodes a delay of its own, jitter and loss on top.

The delays are those of the wide area: quantiles of the round-trip times between 490 PlanetLab hosts
(NetLatency-Data, 18 slices). Every packet that a node sends goes into the digest of the run, lost ones too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from random import Random
from struct import Struct

from ..wire.endpoint import Endpoint
from .world import World

RTT_QUANTILES_MS = (
    (0.0, 2.0),
    (0.05, 19.3),
    (0.25, 59.0),
    (0.5, 135.0),
    (0.75, 202.0),
    (0.9, 291.0),
    (0.95, 325.0),
    (0.99, 413.0),
    (1.0, 600.0),
)
"""Round-trip times between PlanetLab hosts; the ends are rounded outwards."""

HEADER_BYTES = 28
"""IPv4 and UDP headers, counted with every packet: that is what a link carries."""

TRACE_RECORD = Struct(">QIII")
"""time in ns, sender, receiver, length of the packet that follows."""

NOBODY = 0xFFFFFFFF
"""Stands in the trace for an endpoint at which there is no node."""

Receive = Callable[[bytes, Endpoint], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Say how bad the network is."""

    loss: float = 0.005
    """Share of packets that vanish; wide-area links lose 0.1 to 1 %."""

    jitter: float = 0.1
    """Largest extra delay, as a share of the pair's own delay."""

    packet_bytes_max: int = 1472
    """Larger packets vanish: an Ethernet frame without its headers."""


class Network:
    """Carry packets between the hosts of one world."""

    def __init__(self, world: World, config: NetworkConfig | None = None) -> None:
        self.config = config or NetworkConfig()
        self.packets = 0
        self.bytes = 0
        self.lost = 0
        self._world = world
        self._random: Random = world.random(0, "network")
        self._delay_key = world.random(0, "delays").randbytes(32)
        self._hosts: dict[Endpoint, tuple[int, Receive]] = {}
        self._trace = blake2b(digest_size=32)

    def attach(self, endpoint: Endpoint, index: int, receive: Receive) -> None:
        """Connect a host; packets to its endpoint go to `receive(packet, source)`."""
        self._hosts[endpoint] = (index, receive)

    def detach(self, endpoint: Endpoint) -> None:
        """Disconnect a host; packets to it vanish, those under way too."""
        self._hosts.pop(endpoint, None)

    def send(self, packet: bytes, index: int, source: Endpoint, destination: Endpoint) -> None:
        """Send a packet from a host."""
        to, _ = self._hosts.get(destination, (NOBODY, None))
        self._record(packet, index, to)
        if (
            to == NOBODY
            or len(packet) > self.config.packet_bytes_max
            or self._random.random() < self.config.loss
        ):
            self.lost += 1
            return
        delay_s = self.delay_s(index, to) * (1 + self.config.jitter * self._random.random())
        arrival_ns = self._world.now_ns + int(delay_s * 1e9)
        self._world.push(arrival_ns, partial(self._arrive, packet, source, destination))

    def delay_s(self, a: int, b: int) -> float:
        """Return the one-way delay between two hosts, the same in both directions."""
        pair = b"%d:%d" % ((a, b) if a < b else (b, a))
        draw = blake2b(pair, key=self._delay_key, digest_size=7).digest()
        return rtt_quantile_ms(int.from_bytes(draw, "big") / (1 << 56)) / 2000

    def digest(self) -> str:
        """Return the digest of all packets sent so far."""
        return self._trace.hexdigest()

    def _record(self, packet: bytes, index: int, to: int) -> None:
        self.packets += 1
        self.bytes += len(packet) + HEADER_BYTES
        self._trace.update(TRACE_RECORD.pack(self._world.now_ns, index, to, len(packet)))
        self._trace.update(packet)

    def _arrive(self, packet: bytes, source: Endpoint, destination: Endpoint) -> None:
        host = self._hosts.get(destination)
        if host is None:
            self.lost += 1
        else:
            host[1](packet, source)


def rtt_quantile_ms(share: float) -> float:
    """Return the round-trip time that a share of the pairs stays below; linear between known points."""
    low_share, low_ms = RTT_QUANTILES_MS[0]
    for high_share, high_ms in RTT_QUANTILES_MS[1:]:
        if share <= high_share:
            return low_ms + (high_ms - low_ms) * (share - low_share) / (high_share - low_share)
        low_share, low_ms = high_share, high_ms
    return low_ms
