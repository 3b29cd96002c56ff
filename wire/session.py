"""A session: two keys, two connection ids, and everything that goes on between two nodes, over whatever path.

It belongs to keys and ids, never to an address. The same sealed packets travel as datagrams, with acknowledgement,
retransmission and congestion control, and on TCP, where they are only remembered until acknowledged: when a connection
dies, what it still owed goes out on the next path, and nothing is lost.

A new UDP source is believed only after it answered a challenge, which is never longer than what came from it. A session
never acts by itself when idle: probing is its owner's decision.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest

from . import frames
from .cipher import OpeningKey, SealingKey
from .crypto import REAL, Crypto
from .endpoint import Endpoint
from .errors import DecodeError, PayloadTooLarge, QueueFull
from .frames import MAX_DATA_HEAD, RPC_BYTES_MAX, RPC_HEAD, STREAM_HEAD, Ack, Close, MaxData, Numbered, Rpc, Stream
from .lanes import ReceiveLane, SendLane
from .packet import DATA_HEADER
from .received import Received
from .recovery import Recovery, Sent, Span
from .session_config import SessionConfig

SEAL_BYTES = DATA_HEADER.size + 16
"""What a data packet adds to its frames: header and tag."""

SMALLEST_PACKET_BYTES = SEAL_BYTES + 1

CHALLENGE_INTERVAL_S = 0.05
"""Least time between two challenges of one new address; a forged stream of packets cannot make many."""

MESSAGES, BULK = 0, 1


class Session:
    """Talk with one peer. The owner swaps out `messages` and `rpcs` after `receive`."""

    __slots__ = (
        "_challenged",
        "_challenged_at",
        "_close_frame",
        "_config",
        "_control",
        "_opening",
        "_path_frames",
        "_pings",
        "_pongs",
        "_received",
        "_receive_lanes",
        "_recovery",
        "_rpc_queue",
        "_sealing",
        "_secret",
        "_send_lanes",
        "_stream_bytes",
        "closed",
        "confirmed",
        "dropped",
        "last_receive",
        "local_id",
        "messages",
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
    ) -> None:
        self._config = config
        self._sealing = SealingKey(send_key, cipher, remote_id, crypto)
        self._opening = OpeningKey(receive_key, cipher, crypto)
        self._secret = challenge_secret
        self.local_id = local_id
        self.remote_id = remote_id
        self.path = path
        """Where packets go now."""
        self.messages: list[bytes] = []
        self.rpcs: list[bytes] = []
        self.closed: str | None = None
        """Why it is over, once it is."""
        self.confirmed = False
        """An authentic packet of the peer arrived: it holds the keys."""
        self.dropped: dict[str, int] = {}
        self.tx_bytes = 0
        self.rx_bytes = 0
        self.last_receive = now
        self.wants_to_send = False
        self.on_pong: Callable[[float], None] | None = None
        """Told the round trip of each answered ping, seconds."""
        self.on_drained: Callable[[], None] | None = None
        """Told when little is queued again."""
        self._send_lanes: list[SendLane | None] = [None, None]
        self._receive_lanes: list[ReceiveLane | None] = [None, None]
        self._stream_bytes = 0
        self._recovery = Recovery(config.congestion_window_bytes_max, config.ack_delay_s)
        self._received = Received()
        self._rpc_queue: list[bytes] = []
        self._control = False
        """Something else than lane data waits: a frame below, or an acknowledgement that is due."""
        self._pings: dict[int, float] = {}
        self._pongs: list[bytes] = []
        self._path_frames: list[tuple[bytes, Endpoint]] = []
        self._challenged: Endpoint | None = None
        self._challenged_at = now
        self._close_frame: bytes | None = None

    # commands

    def send_message(self, message: bytes) -> None:
        """Queue a message for reliable delivery, in order with others of its lane; raises PayloadTooLarge, QueueFull."""
        size, config = len(message), self._config
        if size > config.message_bytes_max:
            raise PayloadTooLarge("message", size, config.message_bytes_max)
        if self._stream_bytes + size > config.send_buffer_bytes_max and self._stream_bytes:
            raise QueueFull("the line to the peer", config.send_buffer_bytes_max)
        lane = MESSAGES if size <= config.bulk_bytes else BULK
        (self._send_lanes[lane] or self._open_send_lane(lane)).add(message)
        self._stream_bytes += size + 4
        self.wants_to_send = True

    def send_rpc(self, payload: bytes) -> None:
        """Queue one unreliable request or answer; raises PayloadTooLarge."""
        if len(payload) > RPC_BYTES_MAX:
            raise PayloadTooLarge("request", len(payload), RPC_BYTES_MAX)
        self._rpc_queue.append(RPC_HEAD.pack(frames.RPC, len(payload)) + payload)
        self._control = self.wants_to_send = True

    def ping(self, now: float) -> None:
        """Ask for an answer; its round trip goes to `on_pong` and into `rtt_s`."""
        ping_id = self._sealing.counter & 0xFFFFFFFF
        while ping_id in self._pings:
            ping_id = (ping_id + 1) & 0xFFFFFFFF
        if len(self._pings) >= self._config.pings_max:
            del self._pings[next(iter(self._pings))]
        self._pings[ping_id] = now
        self._pongs.append(frames.ID_HEAD.pack(frames.PING, ping_id))
        self._control = self.wants_to_send = True

    def use_path(self, endpoint: Endpoint, now: float) -> None:
        """Send elsewhere from now on; what a dead TCP connection owed goes out again."""
        if endpoint == self.path:
            return
        from_stream = self.path.transport == "tcp"
        self.path = endpoint
        if from_stream:
            self._send_again(self._recovery.take_all(datagram=False))
        if endpoint.transport == "udp":
            self._recovery.path_changed()
        self.wants_to_send = True

    def close(self, reason: str) -> None:
        """Say goodbye; the next `take_packets` gives out the last packet."""
        if self.closed is None:
            self.closed = reason
            self._close_frame = frames.encode_close(reason)
            self.wants_to_send = True

    @property
    def queued_bytes(self) -> int:
        """Message bytes queued or under way and not acknowledged."""
        return self._stream_bytes

    @property
    def rtt_s(self) -> float | None:
        """Smoothed round trip, seconds; None before the first measurement."""
        return self._recovery.rtt.smoothed_s

    # packets in

    def receive(self, packet: bytes | memoryview, source: Endpoint, now: float) -> bool:
        """Take in a data packet; false when it was dropped and counted. Never raises on its bytes."""
        if len(packet) < SMALLEST_PACKET_BYTES:
            return self._drop("data: too short")
        counter = int.from_bytes(packet[9:17], "big")
        window = self._opening.window
        if not window.is_fresh(counter):
            return self._drop("data: replayed")
        plaintext = self._opening.open(packet, counter, now)
        if plaintext is None:
            return self._drop("data: does not open")
        newest = counter > window.highest
        window.add(counter)
        self.confirmed = True
        self.last_receive = now
        self.rx_bytes += len(packet)
        try:
            eliciting = self._receive_frames(plaintext, now)
        except DecodeError as error:
            self.close("protocol error")
            return self._drop(f"data: {error.what}: {error.reason}")
        self._acknowledge(counter, len(packet), eliciting, source, now)
        if source != self.path and newest and source.transport == self.path.transport == "udp":
            self._challenge(source, now)
        return True

    def _receive_frames(self, plaintext: bytes, now: float) -> bool:
        """Act on each frame; true when the packet is to be acknowledged."""
        if plaintext[0] == frames.STREAM and len(plaintext) >= STREAM_HEAD.size:
            # The usual packet: one STREAM frame and nothing else.
            _, lane, offset, length = STREAM_HEAD.unpack_from(plaintext)
            if length == len(plaintext) - STREAM_HEAD.size and lane < frames.LANES_MAX:
                self._receive_stream(lane, offset, plaintext[STREAM_HEAD.size :])
                return True
        eliciting = False
        for frame in frames.decode(plaintext):
            if isinstance(frame, Stream):
                self._receive_stream(frame.lane, frame.offset, frame.data)
                eliciting = True
            elif isinstance(frame, Ack):
                self._receive_ack(frame, now)
            elif isinstance(frame, Rpc):
                self.rpcs.append(frame.data)
            elif isinstance(frame, Numbered):
                self._receive_number(frame, now)
            elif isinstance(frame, MaxData):
                self._receive_max_data(frame)
                eliciting = True
            elif isinstance(frame, Close):
                self.closed = self.closed or f"closed by the peer: {frame.reason}"
            else:
                self._receive_token(frame.kind, frame.token, now)
        return eliciting

    def _receive_stream(self, lane: int, offset: int, data: bytes) -> None:
        receive_lane = self._receive_lanes[lane]
        if receive_lane is None:
            config = self._config
            receive_lane = ReceiveLane(config.window_bytes, config.message_bytes_max)
            self._receive_lanes[lane] = receive_lane
        receive_lane.receive(offset, data, self.messages)
        if receive_lane.grant_due:
            self._control = self.wants_to_send = True

    def _receive_ack(self, ack: Ack, now: float) -> None:
        if ack.ranges[0][1] >= self._sealing.counter:
            raise DecodeError("ack", "of packets never sent", 0)
        arrived, lost = self._recovery.acknowledged(ack.ranges, ack.delay_s, now)
        for packet in arrived:
            for span in packet.spans:
                self._stream_bytes -= len(span.data)
        self._send_again(lost)
        if arrived:
            self.wants_to_send = True
            if self.on_drained is not None and self._stream_bytes <= self._config.drained_bytes:
                self.on_drained()

    def _receive_number(self, frame: Numbered, now: float) -> None:
        if frame.kind == frames.PING:
            self._pongs.append(frames.ID_HEAD.pack(frames.PONG, frame.id))
            self._control = self.wants_to_send = True
            return
        sent_at = self._pings.pop(frame.id, None)
        if sent_at is not None:
            self._recovery.rtt.add(now - sent_at)
            if self.on_pong is not None:
                self.on_pong(now - sent_at)

    def _receive_max_data(self, frame: MaxData) -> None:
        lane = self._send_lanes[frame.lane] or self._open_send_lane(frame.lane)
        if frame.offset > lane.limit:
            lane.limit = frame.offset
            self.wants_to_send = True

    def _receive_token(self, kind: int, token: bytes, now: float) -> None:
        if kind == frames.PATH_CHALLENGE:
            self._path_frames.append((frames.TOKEN_HEAD.pack(frames.PATH_RESPONSE, token), self.path))
            self.wants_to_send = True
        elif self._challenged is not None and compare_digest(token, self._token(self._challenged)):
            moved, self._challenged = self._challenged, None
            self.use_path(moved, now)

    def _acknowledge(self, counter: int, size: int, eliciting: bool, source: Endpoint, now: float) -> None:
        received, config = self._received, self._config
        if source.transport == "udp":
            due = received.add(counter, eliciting, now, config.ack_packets, config.ack_delay_s)
        else:
            due = received.add(counter, eliciting, now, config.stream_ack_packets, config.stream_ack_delay_s)
        if due:
            self._control = self.wants_to_send = True

    # the way to a new address

    def _challenge(self, source: Endpoint, now: float) -> None:
        if self._challenged == source and now - self._challenged_at < CHALLENGE_INTERVAL_S:
            return
        self._challenged, self._challenged_at = source, now
        self._path_frames.append((frames.TOKEN_HEAD.pack(frames.PATH_CHALLENGE, self._token(source)), source))
        self.wants_to_send = True

    def _token(self, endpoint: Endpoint) -> bytes:
        return blake2b(endpoint.pack(), key=self._secret, digest_size=8).digest()

    # packets out

    def take_packets(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """Return the packets that may go now and where to; lanes wait for windows, everything else does not."""
        if not self.wants_to_send:
            return []
        self.wants_to_send = False
        packets: list[tuple[bytes, Endpoint]] = []
        if self.closed is not None:
            return self._take_last(now)
        for frame, endpoint in self._path_frames:
            packets.append((self._sealing.seal(frame, now), endpoint))
        self._path_frames.clear()
        datagram = self.path.transport == "udp"
        config = self._config
        room = (config.datagram_bytes if datagram else config.stream_packet_bytes) - SEAL_BYTES
        budget = config.burst_packets_max
        while budget:
            packet = self._next_packet(room, datagram, now)
            if packet is None:
                break
            packets.append((packet, self.path))
            if datagram:
                budget -= 1
        self.tx_bytes += sum([len(packet) for packet, _ in packets])
        return packets

    def _take_last(self, now: float) -> list[tuple[bytes, Endpoint]]:
        frame, self._close_frame = self._close_frame, None
        return [(self._sealing.seal(frame, now), self.path)] if frame is not None else []

    def _next_packet(self, room: int, datagram: bool, now: float) -> bytes | None:
        parts: list[bytes | memoryview] = []
        left = room
        max_data = False
        if self._control:
            left, max_data = self._add_control(parts, left, now)
        spans: list[Span] = []
        if not datagram or self._recovery.may_send:
            left = self._add_streams(parts, spans, left)
        if not parts:
            return None
        counter = self._sealing.counter
        packet = self._sealing.seal(b"".join(parts), now)
        if spans or max_data:
            self._recovery.sent(counter, Sent(now, len(packet), tuple(spans), max_data, datagram))
        return packet

    def _add_control(self, parts: list[bytes | memoryview], left: int, now: float) -> tuple[int, bool]:
        """Add what is due beside lane data; returns the room left and whether a window was opened."""
        if self._received.ack_due_at is not None:
            ack = self._received.take_ack(now)
            parts.append(ack)
            left -= len(ack)
        max_data = False
        for number, lane in enumerate(self._receive_lanes):
            if lane is not None and lane.grant_due:
                parts.append(MAX_DATA_HEAD.pack(frames.MAX_DATA, number, lane.grant()))
                left -= MAX_DATA_HEAD.size
                max_data = True
        for queue in (self._pongs, self._rpc_queue):
            while queue and len(queue[0]) <= left:
                left -= len(queue[0])
                parts.append(queue.pop(0))
        self._control = bool(self._pongs or self._rpc_queue)
        return left, max_data

    def _add_streams(self, parts: list[bytes | memoryview], spans: list[Span], left: int) -> int:
        """Fill the packet with lane data, messages before bulk."""
        for number, lane in enumerate(self._send_lanes):
            if lane is None:
                continue
            while left > STREAM_HEAD.size and lane.has_data:
                taken = lane.take(left - STREAM_HEAD.size)
                if taken is None:
                    break
                offset, pieces, size = taken
                data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                parts.append(STREAM_HEAD.pack(frames.STREAM, number, offset, size))
                parts.append(data)
                spans.append(Span(number, offset, data))
                left -= STREAM_HEAD.size + size
        return left

    # time

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None while idle."""
        recovery, ack = self._recovery.next_timeout(), self._received.ack_due_at
        if recovery is None or ack is None:
            return recovery if ack is None else ack
        return min(recovery, ack)

    def handle_timeout(self, now: float) -> None:
        """Acknowledge what waited long enough; send again what is lost."""
        due = self._received.ack_due_at
        if due is not None and due <= now:
            self._control = self.wants_to_send = True
        again = self._recovery.handle_timeout(now)
        if again:
            self._send_again(again)
            self.wants_to_send = True

    def _send_again(self, packets: list[Sent]) -> None:
        for packet in packets:
            for span in packet.spans:
                lane = self._send_lanes[span.lane]
                assert lane is not None, "what was sent has a lane"
                lane.lost(span)
            if packet.max_data:
                self._grant_again()
        if packets:
            self.wants_to_send = True

    def _grant_again(self) -> None:
        for lane in self._receive_lanes:
            if lane is not None:
                lane.granted_again()
        self._control = True

    def _open_send_lane(self, number: int) -> SendLane:
        lane = self._send_lanes[number] = SendLane(self._config.window_bytes)
        return lane

    def _drop(self, reason: str) -> bool:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        return False
