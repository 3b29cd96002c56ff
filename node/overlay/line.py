"""One session with one peer, and how its life is watched.

A line is kept alive by probes when it is silent, is dead when they stay unanswered, and is closed when nothing but
probes went over it for long. The session below knows nothing of that; the Overlay above acts on `state(now)`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from ...wire import contact as contacts
from ...wire.contact import Contact
from ...wire.endpoint import RELAY, Endpoint
from ...wire.established import Established
from ...wire.handshake_payload import SERVES
from ...wire.identity import NodeId, PublicKey
from ...wire.session import Session
from .config import OverlayConfig

if TYPE_CHECKING:
    from .watch import Watch

ANSWERER_PATIENCE = 1.25
"""The side that was called waits longer before it probes: one probe serves both sides."""


class LineState(Enum):
    """What is to be done with a line."""

    ALIVE = "alive"
    DEAD = "dead"
    IDLE = "idle"


class Line:
    """Hold a session, the peer it reaches and the watch over it."""

    __slots__ = (
        "_asked_at",
        "_contact",
        "_final_at",
        "_final_packet",
        "_final_pause_s",
        "answered_from",
        "armed",
        "boxed",
        "carries_messages",
        "circuit",
        "config",
        "direct_after_s",
        "endpoint",
        "ephemeral",
        "heard_on_path",
        "initiated",
        "last_use",
        "next_port",
        "node_id",
        "opened",
        "probe_at",
        "probes",
        "public_key",
        "ready",
        "replaced",
        "reply",
        "reserved",
        "reset_token",
        "serves",
        "session",
        "stream_blocked_until",
        "taken_early",
        "talked_at",
        "tcp_port",
        "watch",
    )

    def __init__(
        self, session: Session, public_key: PublicKey, endpoint: Endpoint, config: OverlayConfig, now: float
    ) -> None:
        self.session = session
        self.public_key = public_key
        self.node_id: NodeId = public_key.node_id
        self.endpoint = endpoint
        """Where the peer was reached over UDP (or over TCP, when it was never reached otherwise)."""
        self._contact: Contact | None = None
        self.config = config
        self.opened = now
        self.last_use = now
        self.initiated = False
        self.answered_from: Endpoint | None = None
        """Where the answer to this side's call came from, whatever way the line begins on."""
        self.taken_early = b""
        """The message in the first packet, if the peer's agent took it."""
        self.reply: Callable[[bytes], None] | None = None
        """How handlers answer over this line, kept here by whoever handles its messages."""
        self.serves = False
        """The peer said that it relays for others."""
        self.reserved = False
        """This node is reached through the peer, so the box in front of it must let the peer in at any time."""
        self.next_port = 0
        """Which port the peer's box would give next when the line was made, if it counts them up."""
        self.circuit: Endpoint | None = None
        """The way through a relay that this line was made on."""
        self.watch: Watch | None = None
        """Chooses among several ways to the peer, where there are or were several."""
        self.direct_after_s: float | None = None
        """How long after it stood through a relay it could do without."""
        self.carries_messages = False
        """An agent talks over it, so its end should be known soon."""
        self.talked_at = now
        """When a message last went or came."""
        self.replaced = False
        """A newer line to the same peer is in use; this one only drains."""
        self._final_packet = b""
        self._final_at = 0.0
        self._final_pause_s = config.dial_retries_s[0]
        self.reset_token = b""
        self.ephemeral = False
        self.boxed = False
        """The peer asks not to be listed."""
        self.tcp_port = 0
        self.stream_blocked_until = 0.0
        self.heard_on_path = now
        """When a packet came over the TCP connection in use."""
        self.probes = 0
        self.probe_at = now + config.quiet_keepalive_s
        self._asked_at: float | None = None
        self.armed: float | None = None
        self.ready = False

    def told(self, established: Established) -> None:
        """Note what the peer said of itself in the handshake."""
        self.reset_token = established.reset_token
        self.tcp_port = established.remote_tcp_port
        self.ephemeral, self.boxed = established.ephemeral, established.boxed
        self.serves = bool(established.flags & SERVES)
        self.next_port = established.next_port

    def talked(self, now: float) -> None:
        """Note that a message went or came: from now on silence is watched closely."""
        self.talked_at = now
        if not self.carries_messages:
            self.carries_messages = True
            self.probe_at = min(self.probe_at, now + self.config.keepalive_s)

    def met_at(self, endpoint: Endpoint, now: float) -> None:
        """Note where the peer is met now: it answered a challenge there."""
        if self.endpoint.transport == RELAY:
            self.direct_after_s = now - self.opened
        self.endpoint = endpoint

    def reserves(self, now: float) -> None:
        """Note that this node is reached through the peer from now on."""
        self.reserved = True
        self.probe_at = min(self.probe_at, now + self.config.reserved_keepalive_s)

    def asked(self, now: float) -> bool:
        """Note that something was sent that a living peer answers; true when silence is suspect from now on."""
        self.last_use = now
        if self._asked_at is not None and self._asked_at >= self.session.last_receive:
            return False
        self._asked_at = now
        self.probe_at = min(self.probe_at, now + self.config.suspect_s)
        return True

    def contact(self) -> Contact:
        """Return what others need to reach this peer; who was reached over TCP listens for UDP on the same port."""
        if self.endpoint.transport == "tcp" and self.initiated:
            said = (self.ephemeral, self.boxed)
            return contacts.known_contact(self.public_key, self.endpoint._replace(transport="udp"), *said)
        contact = self._contact
        if contact is None or contact.endpoint is not self.endpoint or contact.boxed is not self.boxed:
            said = (self.ephemeral, self.boxed)
            contact = self._contact = contacts.known_contact(self.public_key, self.endpoint, *said)
            self.endpoint = contact.endpoint
        return contact

    @property
    def can_be_called(self) -> bool:
        """Tell whether others may reach the peer where it was met: not through a circuit, or on its own connection."""
        return self.endpoint.transport == "udp" or (self.endpoint.transport == "tcp" and self.initiated)

    def stream_endpoint(self) -> Endpoint | None:
        """Return where the peer listens for TCP, or None."""
        known = self.tcp_port and self.endpoint.transport != RELAY
        return Endpoint("tcp", self.endpoint.host, self.tcp_port) if known else None

    @property
    def path_kind(self) -> str:
        """Name the kind of path in use, as people see it: `direct` (UDP), `tcp` or `relay`."""
        path = self.session.path
        return "direct" if path.is_datagram and path.transport != RELAY else path.transport

    def repeat_until_confirmed(self, final_packet: bytes, now: float) -> None:
        """Send the last handshake packet again and again until the peer's first data packet proves that it arrived."""
        self._final_packet = final_packet
        self._final_at = now + self._final_pause_s

    def take_repeat(self, now: float) -> bytes:
        """Return the handshake packet that is due once more, or nothing."""
        if not self._final_packet or now < self._final_at:
            return b""
        if self.session.confirmed:
            self._final_packet = b""
            return b""
        self._final_pause_s *= 2
        self._final_at = now + self._final_pause_s
        self.session.ping(now)
        return self._final_packet

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        # On a grid, so that lines which fell silent at about the same time end in one wake.
        idle_s = self._idle_s
        deadline = min(self.probe_at, (self.last_use // idle_s + 2) * idle_s)
        session = self.session.next_timeout()
        if session is not None and session < deadline:
            deadline = session
        if self.watch is not None:
            deadline = min(deadline, self.watch.next_timeout())
        return min(deadline, self._final_at) if self._final_packet else deadline

    def handle_timeout(self, now: float) -> LineState:
        """Let the session act on time, probe a silent peer, and say what is to be done with the line."""
        session = self.session
        session.handle_timeout(now)
        if self.watch is not None:
            self.watch.handle_timeout(now)
        if now < self.probe_at:
            return LineState.IDLE if self._is_idle(now) else LineState.ALIVE
        config = self.config
        silent_at = session.last_receive + self._keepalive_s(now)
        asked_at = self._asked_at
        if asked_at is not None and (asked_at >= session.last_receive or session.queued_bytes):
            silent_at = min(silent_at, max(asked_at, session.last_receive) + config.suspect_s)
        if now < silent_at:
            self.probes = 0
            self.probe_at = silent_at
            return LineState.IDLE if self._is_idle(now) else LineState.ALIVE
        if self._is_idle(now):
            return LineState.IDLE
        if self.probes >= config.probes_max:
            return LineState.DEAD
        self.probes += 1
        self.probe_at = now + config.probe_interval_s
        session.ping(now)
        return LineState.ALIVE

    def _keepalive_s(self, now: float) -> float:
        config = self.config
        lively = self.carries_messages and now < self.talked_at + config.lively_s
        keepalive_s = (
            min(config.keepalive_s, config.quiet_keepalive_s) if lively else config.quiet_keepalive_s
        )
        keepalive_s = min(keepalive_s, config.reserved_keepalive_s) if self.reserved else keepalive_s
        return keepalive_s if self.initiated else keepalive_s * ANSWERER_PATIENCE

    @property
    def _idle_s(self) -> float:
        if self.replaced:
            return self.config.keepalive_s
        return self.config.idle_s if self.carries_messages else self.config.quiet_idle_s

    def _is_idle(self, now: float) -> bool:
        return now >= self.last_use + self._idle_s and not self.session.wants_to_send
