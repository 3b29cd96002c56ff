"""A small seeded world for Overlays: a heap of packets and a clock, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from random import Random

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity


class World:
    """Carry packets between overlays with a delay and, when asked, with loss."""

    def __init__(self, *, delay_s: float = 0.01, loss: float = 0.0, seed: int = 1) -> None:
        self.now = 100.0
        self.delay_s = delay_s
        self.loss = loss
        self.random = Random(seed)
        self.overlays: dict[Endpoint, Overlay] = {}
        self.streams: dict[Endpoint, Endpoint] = {}
        self.tcp_open = True
        self.carried: list[tuple[Endpoint, Endpoint, bytes]] = []
        self.rule: Callable[[bytes, Endpoint, Endpoint], bytes | None] = lambda packet, source, destination: (
            packet
        )
        self.late: dict[str, float] = {}
        """By address: how much later than others its packets arrive, in seconds."""
        self._heap: list[tuple[float, int, Endpoint, Endpoint, bytes]] = []
        self._sequence = 0

    def add(self, index: int, config: OverlayConfig | None = None, seed: int | None = None) -> Overlay:
        """Start an overlay at 127.0.0.1:(7000 + index)."""
        entropy = Random(f"entropy:{index}:{self.now}").randbytes
        identity = Identity(Random(f"identity:{index if seed is None else seed}").randbytes(32))
        endpoint = Endpoint("udp", "127.0.0.1", 7000 + index)
        overlay = Overlay(
            identity,
            config or OverlayConfig(),
            random=Random(f"decisions:{index}"),
            entropy=entropy,
            now=self.now,
            tcp_port=endpoint.port,
        )
        self.overlays[endpoint] = overlay
        return overlay

    def endpoint_of(self, overlay: Overlay) -> Endpoint:
        """Return where an overlay is."""
        return next(endpoint for endpoint, other in self.overlays.items() if other is overlay)

    def contact_of(self, overlay: Overlay) -> Contact:
        """Return how to reach an overlay."""
        return Contact(overlay.identity.public_key, self.endpoint_of(overlay))

    def kill(self, overlay: Overlay) -> None:
        """Take an overlay away without a word."""
        del self.overlays[self.endpoint_of(overlay)]

    def cut_streams(self) -> None:
        """Break every TCP connection, and let none be opened."""
        self.tcp_open = False
        self._heap = [entry for entry in self._heap if entry[2].transport != "tcp"]
        heapify(self._heap)
        for overlay in self.overlays.values():
            for line in overlay.lines.current():
                if line.session.path.transport == "tcp":
                    overlay.stream_closed(line.session.path, self.now)

    def run(self, until: Callable[[], object], timeout_s: float = 30.0) -> None:
        """Run the world until the condition holds; fails after a virtual deadline."""
        deadline = self.now + timeout_s
        self._collect()
        while not until():
            moment = self._next_moment()
            assert moment <= deadline, f"nothing of it within {timeout_s} virtual seconds"
            self.now = max(self.now, moment)
            self._deliver()
            for overlay in list(self.overlays.values()):
                due = overlay.next_timeout()
                if due is not None and due <= self.now:
                    overlay.handle_timeout(self.now)
            self._collect()

    def run_for(self, seconds: float) -> None:
        """Run the world for some virtual time."""
        end = self.now + seconds
        self.run(lambda: self._next_moment() > end, seconds + 1.0)
        self.now = end

    def _next_moment(self) -> float:
        moments = [self._heap[0][0]] if self._heap else []
        moments += [
            t for t in (overlay.next_timeout() for overlay in self.overlays.values()) if t is not None
        ]
        return min(moments, default=float("inf"))

    def _deliver(self) -> None:
        while self._heap and self._heap[0][0] <= self.now:
            _, _, source, destination, packet = heappop(self._heap)
            arrived = self._arrive(source, destination)
            if arrived is None:
                continue
            receiver, source = self._receiver(arrived, source)
            if receiver is not None:
                receiver.receive(packet, source, self.now)

    def _arrive(self, source: Endpoint, destination: Endpoint) -> Endpoint | None:
        """Return the endpoint that gets a packet; None when something in between keeps it out."""
        return destination._replace(transport="udp")

    def _receiver(self, arrived: Endpoint, source: Endpoint) -> tuple[Overlay | None, Endpoint]:
        """Return who has an endpoint, and where a packet to it comes from as he sees it."""
        return self.overlays.get(arrived), source

    def _collect(self) -> None:
        busy = True
        while busy:
            busy = False
            for endpoint, overlay in list(self.overlays.items()):
                for packet, destination in overlay.take_packets(self.now):
                    busy = True
                    self._carry(packet, endpoint, destination)
                for wanted in overlay.take_stream_requests():
                    busy = True
                    self._open_stream(overlay, endpoint, wanted)
                overlay.take_stream_closures()

    def _open_stream(self, overlay: Overlay, endpoint: Endpoint, wanted: Endpoint) -> None:
        if self.tcp_open and wanted._replace(transport="udp") in self.overlays:
            overlay.stream_opened(wanted, self.now)
        else:
            overlay.stream_closed(wanted, self.now)

    def _carry(self, packet: bytes, source: Endpoint, destination: Endpoint) -> None:
        source = source._replace(transport=destination.transport)
        self.carried.append((source, destination, packet))
        kept = self.rule(packet, source, destination)
        if kept is None or (destination.transport == "udp" and self.random.random() < self.loss):
            return
        self._sequence += 1
        arrival = self.now + self.delay_s + self.late.get(source.host, 0.0)
        heappush(self._heap, (arrival, self._sequence, source, destination, kept))


class Call:
    """Catch the outcome of `connect`."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self.error: Exception | None = None

    def __call__(self, line: Line | None, error: Exception | None) -> None:
        self.line, self.error = line, error

    @property
    def over(self) -> bool:
        return self.line is not None or self.error is not None
