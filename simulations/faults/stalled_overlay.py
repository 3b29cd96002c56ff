"""A process that gets no time: what comes waits in the socket, no timer runs, nothing goes out."""

from __future__ import annotations

from collections import deque
from typing import cast

from ...node.overlay.overlay import Overlay
from ...wire.endpoint import Endpoint
from ...wire.identity import Identity
from ..host import Host

SOCKET_BYTES = 212_992
"""What a UDP socket holds (Linux's rmem_default); the rest is lost."""


class StalledOverlay:
    """Stand in a pump for its Overlay for a while, and keep the packets for it."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._waiting: deque[tuple[bytes, Endpoint]] = deque()
        self._bytes = 0
        self.lost = 0

    def receive(self, packet: bytes | memoryview, source: Endpoint, now: float) -> None:
        """Keep a packet while there is room."""
        if self._bytes + len(packet) > SOCKET_BYTES:
            self.lost += 1
            return
        self._bytes += len(packet)
        self._waiting.append((bytes(packet), source))

    def take_waiting(self) -> list[tuple[bytes, Endpoint]]:
        """Return what came meanwhile, once."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    @property
    def has_output(self) -> bool:
        """Say that there is nothing to send."""
        return False

    def next_timeout(self) -> None:
        """Wait for nothing."""

    def handle_timeout(self, now: float) -> None:
        """Do nothing, however late it is."""

    def stream_opened(self, endpoint: Endpoint, now: float) -> None:
        """Take no notice."""

    def stream_closed(self, endpoint: Endpoint, now: float) -> None:
        """Take no notice."""


def stall(host: Host) -> StalledOverlay:
    """Take the processor away from a host that is up."""
    stalled = StalledOverlay(host.identity)
    host.pump.overlay = cast(Overlay, stalled)
    return stalled


def resume(host: Host, stalled: StalledOverlay) -> None:
    """Give it back: first it reads what came, then it finds its timers late."""
    host.pump.overlay = host.overlay
    for packet, source in stalled.take_waiting():
        host.pump.receive(packet, source)
    host.pump.flush()
