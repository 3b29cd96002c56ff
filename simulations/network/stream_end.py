"""One side of a TCP connection: what it is called, and what waits to be sent from there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from ...wire.endpoint import Endpoint
from .attachment import Attachment

SEGMENT_BYTES = 1448
"""What fits a segment on Ethernet: 1500 bytes less headers of IPv4 and TCP with time stamps."""

SEGMENT_HEADER_BYTES = 52

LENGTH_PREFIX_BYTES = 4
"""Before every packet of ours in a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """Limits and times of TCP, those of the real host (node/asyncio_host.py) and of Linux."""

    connect_s: float = 3.0
    """How long a connection may take to open."""
    knock_s: float = 1.0
    """When an unanswered SYN is repeated (RFC 6298); the next times after twice as long."""
    streams_max: int = 256
    """Connections of one host; more are refused."""
    stranger_s: float = 5.0
    """How long an accepted connection may live without a session on it."""
    held_max: int = 16
    """Packets kept for a connection that is being opened."""
    window_bytes: int = 4 << 20
    """Bytes under way in one direction; more would need larger buffers than Linux gives by itself (tcp_wmem)."""
    queue_bytes_max: int = 32 << 20
    """Bytes waiting for the window; over it the connection is closed, as the real host does."""
    repeat_s: float = 0.2
    """Shortest time until a segment is repeated (TCP_RTO_MIN of Linux)."""
    stalled_s: float = 100.0
    """How long segments are repeated in vain until the connection is given up (R2 of RFC 1122 is at least this)."""


class State(Enum):
    """How far an end is."""

    CONNECTING = 0
    OPEN = 1
    DRAINING = 2
    """Its host has closed it; what was queued and the end of the stream still go out."""
    CLOSED = 3


class StreamEnd:
    """One side of a connection."""

    __slots__ = (
        "arrives_ns",
        "attachment",
        "index",
        "local",
        "peer",
        "queue",
        "queued_bytes",
        "remote",
        "state",
        "under_way_bytes",
        "waiting",
    )

    def __init__(self, attachment: Attachment, local: Endpoint, remote: Endpoint, state: State) -> None:
        self.attachment = attachment
        self.index = attachment.index
        self.local = local
        """Its endpoint on its own machine."""
        self.remote = remote
        """How its host calls the other side: behind a box that is the box's endpoint."""
        self.state = state
        self.peer: StreamEnd | None = None
        self.queue: deque[bytes | None] = deque()
        """None is the end of the stream."""
        self.queued_bytes = 0
        self.under_way_bytes = 0
        self.arrives_ns = 0
        """When the last packet sent will be there: no later one comes before it."""
        self.waiting = False
        """Something will call to send more."""


def segments(size: int) -> int:
    """Return how many segments carry a packet of ours."""
    return -(-(size + LENGTH_PREFIX_BYTES) // SEGMENT_BYTES)


def bytes_on_wire(size: int) -> int:
    """Return what a packet of ours takes of a line, headers included."""
    return size + LENGTH_PREFIX_BYTES + segments(size) * SEGMENT_HEADER_BYTES
