"""A session: two keys, two connection ids, and everything that goes on between two nodes, over whatever path.

It belongs to keys and ids, never to an address. The same sealed packets travel as datagrams, with acknowledgement,
retransmission and congestion control, and on TCP, where they are only remembered until acknowledged: when a connection
dies, what it still owed goes out on the next path, and nothing is lost. A session never acts by itself when idle.
"""

from __future__ import annotations

from collections.abc import Callable

from . import frames
from .cipher import SEAL_BYTES, OpeningKey, SealingKey
from .cipher_shelf import CipherShelf
from .control_queue import ControlQueue
from .crypto import REAL, Crypto
from .endpoint import Endpoint
from .errors import DecodeError
from .frames import Frame, Relayed, Stream
from .lane_set import LEFT_EMPTY_BYTES_MAX, LaneSet
from .packet import DATA_HEADER
from .path_challenge import PathChallenge
from .received import Received
from .recovery import Recovery, Sent
from .session_config import SessionConfig


class Session:
    """Talk with one peer. The owner swaps out `messages` and `rpcs` after `receive`."""

    __slots__ = (
        "_awake",
        "_burst_over",
        "_config",
        "_control",
        "_lanes",
        "_last_frame",
        "_last_send",
        "_opening",
        "_queue",
        "_received",
        "_recovery",
        "_refused",
        "_relays",
        "_sealing",
        "_shelf",
        "challenge",
        "closed",
        "confirmed",
        "dropped",
        "last_receive",
        "local_id",
        "messages",
        "nat",
        "on_drained",
        "on_pong",
        "path",
        "remote_id",
        "rpcs",
        "rx_bytes",
        "tx_bytes",
        "wants_to_send",
    )

    def __init__(
        self,
        *,
        send_key: bytes,
        receive_key: bytes,
        cipher: str,
        local_id: int,
        remote_id: int,
        path: Endpoint,
        config: SessionConfig,
        now: float,
        challenge_secret: bytes,
        crypto: Crypto = REAL,
        shelf: CipherShelf | None = None,
    ) -> None:
        """Begin; `shelf` bounds how many sessions of a node hold ciphers, None: this one always does."""
        self._config = config
        self._shelf = shelf
        self._sealing = SealingKey(send_key, cipher, remote_id, crypto)
        self._opening = OpeningKey(receive_key, cipher, crypto)
        self.challenge = PathChallenge(challenge_secret, now)
        self.local_id, self.remote_id = local_id, remote_id
        self.path = path  # where packets go now
        self.messages, self.rpcs = list[bytes](), list[bytes]()
        self.nat: list[frames.Nat | Relayed] = []  # for other sessions, and about ways
        self.closed: str | None = None  # why it is over, in the words of the side that closed it
        self.confirmed = False  # an authentic packet of the peer arrived
        self.dropped: dict[str, int] = {}
        self.tx_bytes, self.rx_bytes, self.last_receive = 0, 0, now
        self.wants_to_send = False  # something may wait for `take_packets`
        self.on_pong: Callable[[float], None] | None = None  # told round trips, seconds
        self.on_drained: Callable[[], None] | None = None  # told when little is queued again
        self._lanes = LaneSet(config)
        window, ack_delay_s = config.congestion_window_bytes_max, config.datagram_acks.delay_s
        self._recovery = Recovery(window, ack_delay_s, datagram=path.is_datagram)
        self._received = Received()
        self._queue = ControlQueue(config.rpcs_max)
        self._refused = self._relays = False
        self._control = False  # something waits in the queue, or a window is to be opened
        self._last_frame: bytes | None = None
        self._last_send, self._awake = now, False  # awake: the ciphers are at hand
        self._burst_over = False  # as many datagrams went as may go at once; the rest goes in the next turn

    # commands

    def send_message(self, message: bytes) -> None:
        """Queue a message: it arrives once, in order with others of its lane; raises PayloadTooLarge, QueueFull."""
        self._lanes.add(message)
        self.wants_to_send = True

    def send_rpc(self, payload: bytes) -> None:
        """Queue one unreliable request or answer; the oldest goes when too many wait. Raises PayloadTooLarge."""
        self._queued(self._queue.add_rpc(payload), "request: queue full")

    def send_nat(self, message: bytes) -> None:
        """Queue one unreliable word about ways, among the requests and like one. Raises PayloadTooLarge."""
        self._queued(self._queue.add_nat(message), "request: queue full")

    def relay(self, circuit: int, packet: bytes, now: float) -> tuple[bytes, Endpoint] | None:
        """Return the packet that carries one of another session, and where it goes; None when it does not fit."""
        if self.closed is not None or len(packet) > self._config.relayed_packet_bytes:
            self._drop("relayed: no room")
            return None
        self._relays = True
        return self._alone(frames.encode_relayed(circuit, packet), now)

    def send_rpc_alone(self, payload: bytes, now: float) -> tuple[bytes, Endpoint] | None:
        """Return the packet of one unreliable request or answer, and where it goes; None: queue it with what waits."""
        waits = self.wants_to_send or self._received.ack_due_at is not None or self.closed is not None
        if waits or self.path.transport != "udp" or len(payload) > self._config.lone_rpc_bytes:
            return None
        return self._alone(frames.encode_rpc(payload), now)

    def probe(self, endpoint: Endpoint, now: float) -> None:
        """Ask the peer for a sign of life from an endpoint; if it gives one, the session moves there."""
        self.wants_to_send |= self.challenge.knock(endpoint, now)

    def ping(self, now: float) -> None:
        """Ask for an answer; its round trip goes to `on_pong` and into `rtt_s`."""
        self._queued(self._queue.add_ping(now))

    def prove(self) -> None:
        """Send a packet that asks for nothing, so that the peer learns that this side holds the keys."""
        self._queued(self._queue.add_pong(frames.UNASKED))

    def measured(self, rtt_s: float) -> None:
        """Take in a round trip: of a ping, or of the handshake."""
        self._recovery.rtt.add(rtt_s)
        if self.on_pong is not None:
            self.on_pong(rtt_s)

    def use_path(self, endpoint: Endpoint, now: float) -> None:
        """Send elsewhere from now on; all that is not acknowledged goes out again there."""
        if endpoint != self.path:
            self.path = endpoint
            self.challenge.moved(now)
            self._send_again(self._recovery.change_path(datagram=endpoint.is_datagram))
            self.wants_to_send = True

    def close(self, reason: str) -> None:
        """Say goodbye; the next `take_packets` gives out the last packet."""
        if self.closed is None:
            self.closed = reason
            self._last_frame = frames.encode_close(reason)
            self.wants_to_send = True

    @property
    def queued_bytes(self) -> int:
        """Message bytes queued or under way and not acknowledged."""
        return self._lanes.queued_bytes

    @property
    def rtt_s(self) -> float | None:
        """Smoothed round trip, seconds; None before the first measurement."""
        return self._recovery.rtt.smoothed_s

    @property
    def unanswered_since(self) -> float | None:
        """When the peer last gave a sign that what goes over the path in use arrives; None: it owes none."""
        waits = (self._recovery.waiting_since, self._queue.waiting_since)
        owed = [since for since in waits if since is not None]
        return max(min(owed), self.challenge.moved_at) if owed else None

    @property
    def data_at(self) -> float:
        """When lane data last came; 0 when none ever did."""
        return self._received.newest_at

    def read(self, on: bool) -> None:
        """Go on reading messages, or let the peer's windows run out: how a slow reader slows who writes to it."""
        self._lanes.read(on)
        self._control |= self._lanes.grant_due
        self.wants_to_send |= self._control

    @property
    def reading(self) -> bool:
        """Tell whether the peer's windows are opened as bytes come."""
        return self._lanes.reading

    # packets in

    def receive(self, packet: bytes | memoryview, source: Endpoint, now: float) -> bool:
        """Take in a data packet; false when it was dropped and counted. Never raises on its bytes, nor keeps them."""
        size = len(packet)
        if size <= SEAL_BYTES:
            return self._drop("data: too short")
        if self.closed is not None:
            return self._drop("data: session is closed")
        _, _, counter = DATA_HEADER.unpack_from(packet)
        window = self._opening.window
        if not window.is_fresh(counter):
            return self._drop("data: replayed")
        plaintext = self._opening.open(packet, counter, now)
        if plaintext is None:
            return self._drop("data: does not open")
        newest = counter > window.highest
        window.add(counter)
        self.confirmed = True
        if not self._awake:
            self._wake()
        self.last_receive = now
        self.rx_bytes += size
        try:
            eliciting = [self._receive_frame(frame, source, now) for frame in frames.decode(plaintext)]
        except DecodeError as error:
            self.close("protocol error")
            return self._drop(f"data: {error.what}: {error.reason}")
        if self._refused:
            self._refused = False
            return self._drop("data: no room")
        policy = self._config.datagram_acks if source.is_datagram else self._config.stream_acks
        self.wants_to_send |= self._received.add(counter, size, True in eliciting, now, policy)
        self.wants_to_send |= self.challenge.came(source, self.path, size, plaintext[0], newest, now)
        return True

    def _receive_frame(self, frame: Frame, source: Endpoint, now: float) -> bool:
        """Act on a frame; true when its packet is to be acknowledged."""
        if isinstance(frame, Stream):
            self._receive_stream(*frame)
            return True
        if isinstance(frame, frames.Rpc):
            self.rpcs.append(frame.data)
        elif isinstance(frame, frames.Ack):
            self._receive_ack(frame, now)
        elif isinstance(frame, (Relayed, frames.Nat)):
            self.nat.append(frame)
        elif isinstance(frame, frames.MaxData):
            self._lanes.set_limit(frame.lane, frame.offset)
            self.wants_to_send = True
            return True
        elif isinstance(frame, frames.Token):
            self._receive_token(frame, source, now)
        elif isinstance(frame, frames.Close):
            self.closed = self.closed or frame.reason
        return False

    def _receive_stream(self, number: int, offset: int, data: bytes) -> None:
        lanes = self._lanes
        self._refused |= not lanes.receive(number, offset, data, self.messages)
        self._control |= lanes.grant_due
        self.wants_to_send |= self._control

    def _receive_ack(self, ack: frames.Ack, now: float) -> None:
        if ack.ranges[0][1] >= self._sealing.counter:
            raise DecodeError("ack", "of packets never sent", 0)
        arrived, lost = self._recovery.acknowledged(ack.ranges, ack.delay_s, now)
        self._send_again(lost)
        if arrived:
            self._lanes.arrived(arrived)
            self.wants_to_send = True
            if self.on_drained is not None and self._lanes.queued_bytes <= self._config.drained_bytes:
                self.on_drained()

    def _receive_token(self, frame: frames.Token, source: Endpoint, now: float) -> None:
        kind, token = frame
        if kind == frames.PING:
            self._queued(self._queue.add_pong(token))
        elif kind == frames.PONG:
            if (rtt_s := self._queue.round_trip_s(token, now)) is not None:
                self.measured(rtt_s)
        elif kind == frames.PATH_CHALLENGE:
            self.wants_to_send |= self.challenge.respond(token, source)
        elif self.challenge.answered(token, source, self.path, now):
            self.use_path(source, now)

    # packets out

    def _alone(self, frame: bytes, now: float) -> tuple[bytes, Endpoint]:
        if not self._awake:
            self._wake()
        packet = self._sealing.seal(frame, now)
        self.tx_bytes += len(packet)
        return packet, self.path

    def take_packets(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """Return the packets that may go now and where to; lanes wait for windows, everything else does not."""
        if not self.wants_to_send:
            return []
        self.wants_to_send = False
        if self.closed is not None:
            frame, self._last_frame = self._last_frame, None
            return [] if frame is None else [(self._sealing.seal(frame, now), self.path)]
        packets: list[tuple[bytes, Endpoint]] = []
        if self.challenge.frames:
            packets += [(self._sealing.seal(frame, now), where) for frame, where in self.challenge.take()]
        path, config = self.path, self._config
        datagram = path.is_datagram
        size_max = config.packet_bytes_on(path)
        self._burst_over = False
        while True:
            streams = not datagram or (self._recovery.may_send and not self._burst_over)
            packet = self._next_packet(size_max - SEAL_BYTES, streams, now)
            if packet is None:
                break
            packets.append((packet, path))
            self._burst_over = datagram and len(packets) >= config.burst_packets_max
            if len(packet) < size_max - LEFT_EMPTY_BYTES_MAX and not self._control:
                break
        if packets:
            if not self._awake:
                self._wake()
            self._last_send = now
            self.tx_bytes += sum([len(packet) for packet, _ in packets])
        return packets

    def _next_packet(self, room: int, streams: bool, now: float) -> bytes | None:
        parts, grants = list[bytes | memoryview](), False
        received = self._received
        ack_bytes = received.ride_bytes(now) if received.ack_due_at is not None else 0
        room -= ack_bytes
        if self._control:
            room, grants = self._add_control(parts, room)
        spans = self._lanes.fill(parts, room) if streams else []
        if ack_bytes and (parts or self._control or received.is_due(now)):
            # Alone, too, when a request would have fitted without it: that one comes next.
            parts.append(received.take_ack(now))
        if not parts:
            return None
        counter = self._sealing.counter
        packet = self._sealing.seal(b"".join(parts), now)
        if spans or grants:
            self._recovery.sent(counter, Sent(now, len(packet), spans, grants))
        return packet

    def _add_control(self, parts: list[bytes | memoryview], room: int) -> tuple[int, bool]:
        """Add what waits beside lane data; returns the room left and whether a window was opened."""
        parts += (grants := self._lanes.take_grants() if self._lanes.grant_due else [])
        room -= frames.MAX_DATA_FRAME.size * len(grants)
        room = self._queue.fill(parts, room)
        self._control = bool(self._queue)
        return room, bool(grants)

    # time

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None while idle."""
        if self._burst_over:
            return self._last_send
        recovery, ack = self._recovery.next_timeout(), self._received.ack_due_at
        ack_first = ack is not None and (recovery is None or ack < recovery)
        return ack if ack_first else recovery

    def handle_timeout(self, now: float) -> None:
        """Acknowledge what waited long enough, send again what is lost."""
        if self._burst_over or self._received.is_due(now):
            self.wants_to_send = True
        self._send_again(self._recovery.handle_timeout(now))

    def rest(self) -> None:
        """Let the ciphers go; the next packet makes them again."""
        if self._awake and self._shelf is not None:
            self._shelf.remove(self)
        self._awake = False
        self._sealing.rest()
        self._opening.rest()

    def _wake(self) -> None:
        self._awake = True
        if self._shelf is not None:
            self._shelf.add(self, quiet=not (self._lanes.in_use or self._relays))

    def _send_again(self, packets: list[Sent]) -> None:
        if packets:
            self._lanes.take_back(packets)
            self._control |= self._lanes.grant_due
            self.wants_to_send = True

    def _queued(self, kept: bool, reason: str = "token: queue full") -> None:
        """Note that a frame waits, or that one was lost for want of room."""
        self._control = self.wants_to_send = True
        if not kept:
            self._drop(reason)

    def _drop(self, reason: str) -> bool:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        return False
