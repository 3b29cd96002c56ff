"""A simulated network with hosts that only write down what they receive."""

from __future__ import annotations

from typing import Any

from mesh99.simulations.network.network import Network
from mesh99.simulations.network.stream_end import StreamConfig
from mesh99.simulations.scenario.schema import Latency, Links, Scenario
from mesh99.simulations.world import World
from mesh99.wire.endpoint import Endpoint


def endpoint(index: int, transport: str = "udp") -> Endpoint:
    """Return where the host of an index is."""
    return Endpoint(transport, f"10.0.{index >> 8}.{index & 255}", 7400)


class Peer:
    """A host that sends and writes down."""

    def __init__(self, hosts: NetworkWorld, index: int) -> None:
        self.index = index
        self.endpoint = endpoint(index)
        self.received: list[tuple[float, bytes, Endpoint]] = []
        self.opened: list[Endpoint] = []
        self.closed: list[Endpoint] = []
        self._hosts = hosts
        self.attach()

    def attach(self, knows_stream: Any = None) -> None:
        """Connect it."""
        self._hosts.network.attach(self.endpoint, self.index, self._receive, self, knows_stream)

    def send(self, packet: bytes, to: Endpoint | Peer) -> None:
        """Send a packet over UDP or over a connection."""
        destination = to.endpoint if isinstance(to, Peer) else to
        self._hosts.network.send(packet, self.index, self.endpoint, destination)

    def open(self, to: Peer) -> Endpoint:
        """Ask for a connection; return its name."""
        name = to.endpoint._replace(transport="tcp")
        self._hosts.network.open_stream(self.index, self.endpoint, name)
        return name

    def close(self, name: Endpoint) -> None:
        """Close a connection."""
        self._hosts.network.close_stream(self.index, self.endpoint, name)

    @property
    def packets(self) -> list[bytes]:
        """What it received."""
        return [packet for _, packet, _ in self.received]

    def stream_opened(self, endpoint: Endpoint) -> None:
        """Write down."""
        self.opened.append(endpoint)

    def stream_closed(self, endpoint: Endpoint) -> None:
        """Write down."""
        self.closed.append(endpoint)

    def _receive(self, packet: bytes, source: Endpoint) -> None:
        self.received.append((self._hosts.world.now(), packet, source))


class NetworkWorld:
    """A world, its network, and hosts by index; without a word on it, nothing is lost or spread."""

    def __init__(
        self,
        seed: int = 1,
        links: dict[str, Any] | None = None,
        latency: dict[str, Any] | None = None,
        streams: StreamConfig | None = None,
        **scenario: Any,
    ) -> None:
        self.world = World(seed)
        self.scenario = Scenario(
            name="test",
            about="",
            links=Links(**{"loss": 0.0, **(links or {})}),
            latency=Latency(**{"jitter": 0.0, "model": "fixed", "one_way": 0.05, **(latency or {})}),
            **scenario,
        )
        self.network = Network(self.world, self.scenario, streams)

    def peers(self, count: int) -> list[Peer]:
        """Attach hosts 1 to `count`."""
        return [Peer(self, index) for index in range(1, count + 1)]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run_until(self.world.now() + seconds)
