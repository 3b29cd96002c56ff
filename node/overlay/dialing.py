"""Outgoing handshakes: one Dial per peer that is being called.

The first packet goes to the first two of the peer's endpoints, then to all in turn at growing intervals, with a cookie
when one was asked for. Whoever asked for the peer waits in `waiting`; requests that came after the first packet wait
in `requests`. While nobody waits, only requests of the DHT ride along: it knows better how long an answer takes and
sends again itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...wire.endpoint import RELAY, Endpoint
from ...wire.errors import MeshError
from ...wire.frames import RELAYED_PACKET_BYTES_MAX
from ...wire.handshake import Initiation
from ...wire.identity import NodeId, PublicKey
from .config import OverlayConfig

if TYPE_CHECKING:
    from .line import Line

Connected = Callable[["Line | None", MeshError | None], None]
"""Told once: the line, or why there is none."""

WAITING_MAX = 64
"""Callers and requests that may wait for one dial; more means somebody retries in a loop."""


AT_ONCE = 2
"""Endpoints called with the first try: an address in the internet, and one that is near if both are in one network.
Raising it finds peers with many addresses sooner, and lets a record make callers send to more places."""

CIRCUITS_MAX = 3
"""Circuits of one call: as many as a node record names relays."""

ENDPOINTS_MAX = 12
"""Endpoints of one call: those of a node record and where relays saw the peer."""


class Dial:
    """Hold one outgoing handshake."""

    __slots__ = (
        "answered_from",
        "armed",
        "attempts",
        "circuits",
        "cookie",
        "early",
        "endpoints",
        "initiation",
        "local_id",
        "message",
        "once",
        "peer",
        "public_key",
        "requests",
        "retry_times",
        "started",
        "waiting",
    )

    def __init__(
        self,
        initiation: Initiation,
        local_id: int,
        public_key: PublicKey | None,
        endpoints: tuple[Endpoint, ...],
        early: bytes,
        config: OverlayConfig,
        now: float,
        message: bytes = b"",
    ) -> None:
        self.initiation = initiation
        self.local_id = local_id
        self.public_key = public_key
        self.peer: NodeId | Endpoint = public_key.node_id if public_key is not None else endpoints[0]
        self.endpoints = endpoints
        self.circuits: tuple[Endpoint, ...] = ()
        """Ways to the peer through relays; the first packet goes through all of them at each try."""
        self.early = early
        self.message = message
        """For the agent; rides in the first packet instead of a request."""
        self.once = initiation.once
        """Only the answer to `early` is wanted, no session."""
        self.cookie = b""
        self.requests: list[bytes] = []
        self.waiting: list[Connected] = []
        self.started = now
        self.attempts = 0
        self.answered_from: Endpoint | None = None
        self.retry_times = [now + config.dial_timeout_s]
        self.armed: float | None = None

    @property
    def name(self) -> str:
        """Name the peer as far as it is known."""
        return self.public_key.node_id.short if self.public_key is not None else str(self.endpoints[0])

    def next_packets(self) -> list[tuple[bytes, Endpoint]]:
        """Return the first packet, for the endpoints whose turn it is and for each circuit to the peer."""
        turn = self._turn(self.attempts)
        self.attempts += 1
        return [self.packet_for(endpoint) for endpoint in (*turn, *self.circuits)]

    def packet_for(self, endpoint: Endpoint) -> tuple[bytes, Endpoint]:
        """Return the first packet for an endpoint; of a size that fits through a relay."""
        packet = self.initiation.packet(self.message or self.early, self.cookie, RELAYED_PACKET_BYTES_MAX)
        return packet, endpoint

    def add_way(self, endpoint: Endpoint) -> None:
        """Call at one more endpoint, or through a circuit, from now on."""
        if endpoint.transport == RELAY:
            self.circuits = (*self.circuits[-CIRCUITS_MAX + 1 :], endpoint)
        elif endpoint not in self.endpoints and len(self.endpoints) < ENDPOINTS_MAX:
            self.endpoints = (*self.endpoints, endpoint)

    def answered(self, source: Endpoint) -> Endpoint:
        """Note that the peer answered from `source`, and return where it is met.

        An answer from elsewhere may have been sent on by anybody; if the peer is there, it will move there.
        """
        self.answered_from = source
        if source in self.endpoints or source in self.circuits:
            return source
        return self.circuits[-1] if self.circuits else self._turn(self.attempts - 1)[0]

    def _turn(self, attempt: int) -> tuple[Endpoint, ...]:
        """Return the endpoints whose turn it is at an attempt, counted from 0."""
        if attempt == 0 or not self.endpoints:
            return self.endpoints[:AT_ONCE]
        return (self.endpoints[(attempt + AT_ONCE - 1) % len(self.endpoints)],)

    def next_timeout(self) -> float | None:
        """Return when the next try, or the end, is due."""
        return self.retry_times[0] if self.retry_times else None

    def is_over(self, now: float) -> bool:
        """Move to the next try; true when the last one had its time."""
        while self.retry_times and self.retry_times[0] <= now:
            self.retry_times.pop(0)
        return not self.retry_times

    def wait(self, done: Connected, config: OverlayConfig, now: float) -> bool:
        """Tell `done` of the outcome, and try again at growing intervals; false when too many wait already."""
        if len(self.waiting) >= WAITING_MAX:
            return False
        if not self.waiting:
            retries = sorted({*config.dial_retries_s, config.dial_timeout_s})
            self.retry_times = [now + seconds for seconds in retries if seconds <= config.dial_timeout_s]
        self.waiting.append(done)
        return True

    def queue_request(self, payload: bytes) -> bool:
        """Keep a request for the session to come; true when it rides in the first packet and that should go again."""
        if payload == self.early:
            return True
        if len(self.requests) < WAITING_MAX and payload not in self.requests:
            self.requests.append(payload)
        return False
