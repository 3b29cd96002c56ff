"""The Overlay: the whole network side of one node as one sans-IO object.

Packets come in through `receive` and go out through `take_packets`; TCP is a second way for the same packets, asked for
by `take_stream_requests` and reported by `stream_opened` / `stream_closed`. Time comes in through `now`. What happens
is told through the callbacks `on_message`, `on_peer` and through the `done` of each command.

A packet's way: first byte (switch.py) > handshake (handshakes.py) or the session it names (lines.py) > its requests to
the DHT, its messages to `on_message`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hmac import compare_digest
from random import Random

from ...dht.dht import Dht
from ...wire import fault_points
from ...wire.contact import Contact
from ...wire.endpoint import Endpoint, families_of
from ...wire.errors import ConfigError, MeshError, NoPath
from ...wire.handshake import Established, reset_packet
from ...wire.identity import Identity
from ...wire.packet import RESET
from .calling import Calling
from .config import OverlayConfig
from .dialing import Connected, Dial
from .handshakes import Handshakes
from .line import Line, LineState
from .lines import LineTable
from .meeting import Meeting
from .reach import Reach
from .stream_paths import StreamPaths
from .switch import Traffic, classify

SMALLEST_RESET_CAUSE_BYTES = 26
"""A reset is 25 bytes; it answers only packets that are longer, so two confused nodes cannot play ping-pong."""


class Overlay:
    """Run sessions, handshakes and the DHT of one node, without sockets and without a clock."""

    def __init__(
        self,
        identity: Identity,
        config: OverlayConfig,
        *,
        random: Random,
        entropy: Callable[[int], bytes],
        now: float,
        tcp_port: int = 0,
        families: int = 0,
    ) -> None:
        self.identity = identity
        self.config = config
        self.dht = Dht(identity, config.dht, random, now, families=families)
        self.lines = LineTable(identity.node_id, config)
        self.dropped: Counter[str] = Counter()
        self.on_message: Callable[[Line, bytes], None] = lambda line, message: None
        self.on_peer: Callable[[Line, bool], None] = lambda line, came: None
        told = (self._answer_early, self.dht.wants, self._answered_once, self._line_called, self._dial_failed)
        self._handshakes = Handshakes(identity, config.settings(tcp_port), config, entropy, *told, now)
        self._now = now
        self._packets: list[tuple[bytes, Endpoint]] = []
        self._streams = StreamPaths(config)
        self._calling = Calling(config, self.dht, self.lines, self._handshakes, self._streams)
        self.early_messages = self._handshakes.early_messages
        known = (self._handshakes, self._calling.tcp_instead)
        self.reach = Reach(config, self.lines, *known, self._send, entropy, now)
        self.reach.on_told = lambda line, now: self.dht.verified(line.contact(), now)
        meets = (self.lines, self._handshakes, self, self.reach, self.dht, self._send, entropy)
        self._meeting = Meeting(identity.node_id, config, *meets, random, now)
        self.relaying, self.punching = self._meeting.relaying, self._meeting.punching

    # the world in

    def receive(self, packet: bytes | memoryview, source: Endpoint, now: float) -> bool:
        """Take in one packet and keep none of it; true when it was passed on and changed nothing. Never raises."""
        self._now = now
        if len(packet) > 17 and 0xC0 <= packet[0] <= 0xDF:
            line = self.lines.by_local_id.get(int.from_bytes(packet[1:9], "big"))
            if line is not None and fault_points.active and self._forgets():
                self._drop(line, "forgotten", now, dead=True)
                line = None
            if line is None:
                self._receive_unknown(packet, source, now)
            elif line.session.receive(packet, source, now):
                return self._received(line, source, now)
            return False
        traffic = classify(packet)
        if traffic is Traffic.STUN:
            self.reach.receive_stun(bytes(packet), source, now)
        elif traffic is not Traffic.HANDSHAKE:
            self.dropped[traffic.value] += 1
        elif packet[0] == RESET:
            self._receive_reset(bytes(packet), now)
        else:
            self._handshakes.receive(bytes(packet), source, now)
        return False

    def stream_opened(self, endpoint: Endpoint, now: float) -> None:
        """Take note of a TCP connection that this side asked for."""
        for line in self.lines.current():
            if line.stream_endpoint() == endpoint:
                self._streams.opened(line, endpoint, now)
                self.lines.mark(line)

    def stream_closed(self, endpoint: Endpoint, now: float) -> None:
        """Take note of a TCP connection that ended or never came to be."""
        self._handshakes.stream_failed(endpoint, now)
        for line in list(self.lines.by_local_id.values()):
            if not self._streams.closed(line, endpoint, now):
                self._drop(line, "connection lost", now, dead=True)
            self.lines.mark(line)

    # the world out

    def take_packets(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """Return every packet that may leave now, in order."""
        self._now = now
        if self.dht.has_requests:
            self._calling.send_requests(now)
        packets = self.lines.take_packets(now)
        if self._packets or self._handshakes.packets:
            # Handshakes go first: a session's first packet is of no use before its handshake has arrived.
            packets = self._packets + self._handshakes.packets + packets
            self._packets = []
            self._handshakes.packets = []
        packets = self.relaying.take_packets(packets, now)
        self.reach.sent(packets, now)
        return packets

    @property
    def has_output(self) -> bool:
        """Tell whether there is something to take."""
        packets = self._packets or self._handshakes.packets or self.relaying.carried
        return bool(self.lines.has_ready or self.dht.has_requests or packets) or self.has_changes

    @property
    def has_changes(self) -> bool:
        """Tell whether connections or sockets are to be opened or closed."""
        return self._streams.has_output or bool(self._meeting.searching.closures)

    def take_stream_requests(self) -> list[Endpoint]:
        """Return the TCP endpoints to connect to."""
        return self._streams.take_requests()

    def take_stream_closures(self) -> list[Endpoint]:
        """Return the TCP connections that nobody uses any more."""
        return self._streams.take_closures()

    def take_socket_closures(self) -> list[int]:
        """Return the extra sockets that nobody uses any more; one opens when a packet first goes through it."""
        return self._meeting.searching.take_closures()

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; it may prove too early, never too late."""
        earliest = self.lines.deadlines.next_timeout()
        for other in (self._handshakes.next_timeout(), self.dht.next_timeout(), self._meeting.next_timeout()):
            if other is not None and (earliest is None or other < earliest):
                earliest = other
        return earliest

    def handle_timeout(self, now: float) -> None:
        """Act on what is due."""
        self._now = now
        self._handshakes.handle_timeout(now)
        self.dht.handle_timeout(now)
        self._meeting.handle_timeout(now)
        for line in self.lines.deadlines.take_due(now):
            self._line_due(line, now)

    # commands

    def connect(
        self,
        peer: Contact | Endpoint,
        now: float,
        done: Connected,
        *others: Endpoint,
        relays: Sequence[Contact] = (),
        message: bytes = b"",
    ) -> None:
        """Get a line to a peer, also at `others` and through `relays`; a `message` may ride along (`taken_early`)."""
        if isinstance(peer, Contact):
            line = self.lines.find(peer.node_id)
            if line is not None:
                done(line, None)
            elif peer.public_key == self.identity.public_key:
                done(None, ConfigError("peer", "that is this node itself"))
            else:
                places = self._meeting.places((peer.endpoint, *others), now, relayed=bool(relays))
                self._calling.call(peer.public_key, places, done, now, message=message)
                self._meeting.call(peer.node_id, relays, now)
        else:
            self._calling.call(None, (peer, *others), done, now)

    def send_message(self, line: Line, message: bytes, now: float) -> None:
        """Queue a message on a line; raises QueueFull, PayloadTooLarge, or NoPath when the line is gone."""
        session = line.session
        if session.closed is not None:
            raise NoPath(line.node_id.short)
        session.send_message(message)
        line.talked(now)
        line.asked(now)
        if session.queued_bytes >= self.config.tcp_upgrade_bytes:
            self._streams.ask(line, now)
        if not line.ready:
            self.lines.mark(line)

    def ping(self, line: Line, now: float) -> None:
        """Measure a round trip; the session's `on_pong` is told."""
        line.session.ping(now)
        line.asked(now)
        self.lines.mark(line)

    def close(self, reason: str, now: float) -> None:
        """Say goodbye to everybody; what is taken out afterwards is the last."""
        for line in list(self.lines.by_local_id.values()):
            self._drop(line, reason, now, dead=False)

    def uses_stream(self, endpoint: Endpoint) -> bool:
        """Tell whether a session goes over the connection with this remote endpoint."""
        return any(line.session.path == endpoint for line in self.lines.by_local_id.values())

    def observe_with(self, observe: Callable[[Endpoint], Endpoint]) -> None:
        """Say to callers where they were seen by this function, instead of as it is."""
        self._handshakes.observe = observe

    def dropped_by_reason(self) -> dict[str, int]:
        """Return how many packets were dropped and why, over all layers."""
        total = self.dropped + self._handshakes.dropped + self.reach.dropped + self.relaying.dropped
        total.update(self.dht.dropped)
        for line in self.lines.by_local_id.values():
            total.update(line.session.dropped)
        return {reason: count for reason, count in sorted(total.items()) if count}

    # packets

    def _received(self, line: Line, source: Endpoint, now: float) -> bool:
        """Act on what a packet brought; true when that was for somebody else and nothing more."""
        session = line.session
        passed_on = bool(session.nat) and not (session.messages or session.rpcs) and session.data_at < now
        asked_only = bool(session.rpcs) and not (session.messages or session.nat)
        if session.messages:
            messages, session.messages = session.messages, []
            line.last_use = now
            line.talked(now)
            for message in messages:
                self.on_message(line, message)
        if session.rpcs:
            self._receive_requests(line, source, now)
        if session.nat:
            line.last_use = now
            passed_on &= self.relaying.receive(line, now)
        if source.transport == "tcp":
            self._streams.heard(line, source, now)
        elif session.path is not line.endpoint and session.path != line.endpoint:
            self._note_endpoint(line, now)
        if session.closed is not None:
            self._drop(line, session.closed, now, dead=False)
        elif session.wants_to_send:
            self.lines.mark(line)
        elif not passed_on and not (asked_only and line.armed and session.next_timeout() is None):
            self.lines.deadlines.arm(line)
        return passed_on and not session.wants_to_send

    def _receive_requests(self, line: Line, source: Endpoint, now: float) -> None:
        payloads, line.session.rpcs = line.session.rpcs, []
        line.last_use = now
        for payload in payloads:
            reply = self.dht.receive(payload, line.contact(), now)
            if reply is not None:
                self.lines.send_rpc(line, reply, now)

    def _send(self, packet: bytes, destination: Endpoint) -> None:
        self._packets.append((packet, destination))

    def _forgets(self) -> bool:
        return fault_points.fires("overlay.forget-line", self.identity.node_id)

    def _receive_unknown(self, packet: bytes | memoryview, source: Endpoint, now: float) -> None:
        local_id = int.from_bytes(packet[1:9], "big")
        confirmed = self._handshakes.confirm(local_id, packet, source, now)
        if isinstance(confirmed, Line):
            self._line_stands(confirmed, now, met=source == confirmed.endpoint)
            self._received(confirmed, source, now)
            return
        if confirmed is not None:
            if source == confirmed.endpoint:
                self.dht.verified(confirmed, now)
            return
        self.dropped["data for no session"] += 1
        if (
            len(packet) >= SMALLEST_RESET_CAUSE_BYTES
            and self._handshakes.half_open.by_local_id(local_id) is None
        ):
            self._packets.append((reset_packet(self.identity, local_id), source))

    def _receive_reset(self, packet: bytes, now: float) -> None:
        """A peer that forgot our session names it by the id that *we* send to, and proves who it is by the token."""
        remote_id, token = int.from_bytes(packet[1:9], "big"), packet[9:]
        if (line := self.lines.by_remote_id.get(remote_id)) and compare_digest(line.reset_token, token):
            self._drop(line, "reset", now, dead=True)
            self.dht.forgotten(line.node_id, now)
        else:
            self.dropped["reset without proof"] += 1

    def _answer_early(self, payload: bytes, sender: Contact, size_max: int) -> bytes:
        return self.dht.receive(payload, sender, self._now, size_max) or b""

    def _answered_once(self, peer: Contact, established: Established, now: float) -> None:
        self.reach.note(peer.node_id, peer.endpoint, established.observed, now)
        # A peer that is there and leaves the question open has not answered: its request fails when its time is over.
        if established.early:
            self.dht.receive(established.early, peer, now)

    # lines

    def _line_called(self, line: Line, established: Established, now: float) -> None:
        # An answer that rode along is the DHT's own proof that the peer was met.
        self._line_stands(line, now, met=not established.early)
        self.reach.note(line.node_id, line.endpoint, established.observed, now)
        if established.early:
            self.dht.receive(established.early, line.contact(), now)

    def _line_stands(self, line: Line, now: float, *, met: bool = True) -> None:
        """Take in a new line; `met` unless all that came from its endpoint could have been sent by somebody else."""
        came = self.lines.add(line)
        excess = self.lines.take_excess(line)
        if excess is not None:
            self._drop(excess, "room", now, dead=False)
        if met and line.can_be_called:
            self.dht.verified(line.contact(), now)
        self._meeting.stands(line, now)
        if self.config.prefer_tcp and line.initiated:
            self._streams.ask(line, now)
        if came:
            self.on_peer(line, True)

    def _note_endpoint(self, line: Line, now: float) -> None:
        """Take note of where a peer is met now: its session has moved to an endpoint that answered a challenge."""
        if line.session.path.transport == "udp":
            line.met_at(line.session.path, now)
            self.relaying.moved(line)
            if line.circuit is None:
                self.dht.verified(line.contact(), now)

    def _line_due(self, line: Line, now: float) -> None:
        state = line.handle_timeout(now)
        final = line.take_repeat(now)
        if final:
            self._packets.append((final, line.session.path))
        if line.session.closed is not None:
            self._drop(line, line.session.closed, now, dead=True)
        elif state is LineState.DEAD:
            self._drop(line, "silent", now, dead=True)
        elif state is LineState.IDLE and self.relaying.keeps(line):
            line.last_use = now
            self.lines.mark(line)
        elif state is LineState.IDLE and line.carries_messages:
            self._drop(line, "idle", now, dead=False)
        elif state is LineState.IDLE:
            self._forget(line)
        else:
            self.lines.mark(line)

    def _drop(self, line: Line, reason: str, now: float, *, dead: bool) -> None:
        if line.session.closed is None and not dead:
            line.session.close(reason)
            self._packets += line.session.take_packets(now)
        if line.session.closed is None:
            line.session.closed = reason
        line.session.rest()
        gone = self.lines.remove(line)
        self._streams.left(line)
        if gone:
            if (dead and reason != "reset") or reason == "shutdown":
                self.dht.unreachable(line.node_id, now, line.endpoint.family)
            self.reach.observations.forget(line.node_id)
            self.relaying.left(line, now)
            self.on_peer(line, False)

    def lost(self, line: Line, now: float) -> None:
        """End a line that has no way left."""
        self._drop(line, "no way left", now, dead=True)

    def _forget(self, line: Line) -> None:
        """Let go of a line that served the DHT only, without a word: the other side does the same at its time."""
        line.session.closed = "idle"
        line.session.rest()
        if self.lines.remove(line):
            self.reach.observations.forget(line.node_id)
            self.on_peer(line, False)
        self._streams.left(line)

    def _dial_failed(self, dial: Dial, error: MeshError, now: float) -> None:
        if dial.public_key is not None:
            self.dht.unreachable(dial.public_key.node_id, now, families_of(dial.endpoints))
