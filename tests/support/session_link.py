"""Two sessions and a seeded link between them: loses, doubles, delays and reorders packets, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from mesh99.wire.endpoint import Endpoint
from mesh99.wire.session import Session
from mesh99.wire.session_config import SessionConfig

A_UDP, B_UDP = Endpoint("udp", "192.0.2.1", 7001), Endpoint("udp", "192.0.2.2", 7002)
A_TCP, B_TCP = Endpoint("tcp", "192.0.2.1", 7001), Endpoint("tcp", "192.0.2.2", 7002)
A_KEY, B_KEY = bytes(range(32)), bytes(range(32, 64))
A_ID, B_ID = 0x0102030405060708, 0xF1F2F3F4F5F6F7F8


def session_pair(
    transport: str = "udp",
    *,
    cipher: str = "chacha20poly1305",
    config: SessionConfig | None = None,
    now: float = 0.0,
) -> tuple[Session, Session]:
    """Return both ends of a session over one transport."""
    a, b = (A_UDP, B_UDP) if transport == "udp" else (A_TCP, B_TCP)
    config = config or SessionConfig()
    first = Session(
        send_key=A_KEY,
        receive_key=B_KEY,
        cipher=cipher,
        local_id=A_ID,
        remote_id=B_ID,
        path=b,
        config=config,
        now=now,
        challenge_secret=b"a" * 16,
    )
    second = Session(
        send_key=B_KEY,
        receive_key=A_KEY,
        cipher=cipher,
        local_id=B_ID,
        remote_id=A_ID,
        path=a,
        config=config,
        now=now,
        challenge_secret=b"b" * 16,
    )
    return first, second


class Link:
    """Carry packets between two sessions; `rule` may change or take away each one."""

    def __init__(
        self,
        a: Session,
        b: Session,
        *,
        loss: float = 0.0,
        doubled: float = 0.0,
        delay_s: float = 0.01,
        jitter_s: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.a, self.b = a, b
        self.now = 0.0
        self.loss, self.doubled = loss, doubled
        self.delay_s, self.jitter_s = delay_s, jitter_s
        self.a_udp, self.b_udp = A_UDP, B_UDP
        self.received: dict[Session, list[bytes]] = {a: [], b: []}
        self.rpcs: dict[Session, list[bytes]] = {a: [], b: []}
        self.carried: list[tuple[Session, bytes, Endpoint]] = []
        self.rule: Callable[[Session, bytes], bool] = lambda sender, packet: True
        self.tcp_open = True
        self._random = Random(seed)
        self._heap: list[tuple[float, int, Session, bytes, Endpoint]] = []
        self._sequence = 0

    def run(self, until: Callable[[], bool], timeout_s: float = 120.0) -> None:
        """Run until the condition holds; fails after so much virtual time or when nothing more can happen."""
        deadline = self.now + timeout_s
        self.carry()
        while not until():
            moment = self._next_moment()
            assert moment is not None, "nothing is left to happen"
            assert moment <= deadline, f"nothing of it within {timeout_s} virtual seconds"
            self.now = max(self.now, moment)
            self._deliver()
            for session in (self.a, self.b):
                due = session.next_timeout()
                if due is not None and due <= self.now:
                    session.handle_timeout(self.now)
            self.carry()

    def settle(self, timeout_s: float = 120.0) -> None:
        """Run until nothing is left to happen."""
        self.carry()
        self.run(lambda: self._next_moment() is None, timeout_s)

    def delivered(self, sent: list[bytes], receiver: Session) -> bool:
        """Tell whether as many messages arrived as were sent."""
        return len(self.received[receiver]) >= len(sent)

    def break_tcp(self) -> None:
        """Let the connection die with all that is under way in it."""
        self.tcp_open = False
        self._heap = [item for item in self._heap if item[4].transport == "udp"]

    def carry(self) -> None:
        """Take over what the sessions want to send now."""
        for sender, receiver in ((self.a, self.b), (self.b, self.a)):
            for packet, destination in sender.take_packets(self.now):
                self.carried.append((sender, packet, destination))
                self._carry(sender, receiver, packet, destination)

    def _next_moment(self) -> float | None:
        moments = [self._heap[0][0]] if self._heap else []
        moments += [due for due in (self.a.next_timeout(), self.b.next_timeout()) if due is not None]
        return min(moments, default=None)

    def _carry(self, sender: Session, receiver: Session, packet: bytes, destination: Endpoint) -> None:
        if not self.rule(sender, packet):
            return
        if destination.transport == "tcp":
            if self.tcp_open:
                self._push(self.delay_s, receiver, packet, A_TCP if sender is self.a else B_TCP)
            return
        home = self.a_udp if receiver is self.a else self.b_udp
        source = self.a_udp if sender is self.a else self.b_udp
        for _ in range(1 + (self._random.random() < self.doubled)):
            if destination == home and self._random.random() >= self.loss:
                self._push(self.delay_s + self._random.random() * self.jitter_s, receiver, packet, source)

    def _push(self, delay_s: float, receiver: Session, packet: bytes, source: Endpoint) -> None:
        self._sequence += 1
        heappush(self._heap, (self.now + delay_s, self._sequence, receiver, packet, source))

    def _deliver(self) -> None:
        while self._heap and self._heap[0][0] <= self.now:
            _, _, receiver, packet, source = heappop(self._heap)
            receiver.receive(packet, source, self.now)
            for box, inbox in ((self.received, receiver.messages), (self.rpcs, receiver.rpcs)):
                box[receiver] += inbox
                inbox.clear()
