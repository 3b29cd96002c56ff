"""Requests in flight: ids, time-outs, retransmissions, and who waits for the answer.

A request is sent up to `tries_max` times under one id with doubling time-outs. At its first time-out its waiter
learns that the peer is slow, at its last that it failed; an answer counts at any time in between. A request runs its
course even when its waiter has lost interest, so that dead peers are found out by whoever asked them first.

A failure counts against the peer only if somebody else was heard since the request left: otherwise it is our own
network that is down, and the table must outlive that (section 4.1 of the Kademlia paper).

More than the window holds (window.py) wait for their turn; a request leaves it when it is answered or late.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .config import DhtConfig
from .messages import NEVER_EARLY, REPLY_OF, Reply, encode_request
from .messages import Request as RequestMessage
from .peer_timing import PeerTiming
from .statistics import Counts
from .timers import Timer, Timers
from .timing import Timing
from .window import Window

REQUEST_IDS = 1 << 32
EARLY_BYTES_MAX = 900  # of a request that rides in a handshake, whose first packet has 1200 bytes


class Request(NamedTuple):
    """Bytes to carry to a contact; only idempotent ones may ride in a handshake, where they could be replayed."""

    contact: Contact
    payload: bytes
    idempotent: bool


class Waiter(Protocol):
    """Whoever asked; exactly one of `answered` and `failed` is called per request, `slow` at most once before."""

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Take the answer."""

    def slow(self, pending: Pending, now: float) -> None:
        """Note that the first time-out passed."""

    def failed(self, pending: Pending, now: float) -> None:
        """Note that no answer will be waited for any longer."""


class Pending:
    """A request in flight."""

    __slots__ = (
        "contact",
        "in_window",
        "reply_type",
        "request",
        "request_id",
        "sent_at",
        "timeout_s",
        "timer",
        "timing",
        "tries",
        "waiter",
    )

    def __init__(
        self,
        request_id: int,
        request: Request,
        reply_type: type[Reply],
        waiter: Waiter,
        timing: PeerTiming,
        timeout_s: float,
        now: float,
    ) -> None:
        self.request_id = request_id
        self.request = request
        self.contact = request.contact
        self.reply_type = reply_type
        self.waiter = waiter
        self.timing = timing
        self.timeout_s = timeout_s
        self.sent_at = now
        self.tries = 1
        self.in_window = False
        self.timer: Timer | None = None


class Rpc:
    """All requests of a node in flight; their number is bounded by the lookups and pings that ask."""

    __slots__ = (
        "_config",
        "_last_heard",
        "_next_id",
        "_on_failed",
        "_pending",
        "_timers",
        "_waiting",
        "_window",
        "counts",
        "outgoing",
        "timing",
    )

    def __init__(
        self,
        config: DhtConfig,
        timers: Timers,
        random: Random,
        on_failed: Callable[[Contact, float], None],
    ) -> None:
        self.timing = Timing(config)
        self.counts = Counts()
        self.outgoing: list[Request] = []
        self._config = config
        self._timers = timers
        self._on_failed = on_failed
        self._pending: dict[int, Pending] = {}
        self._window = Window(config)
        self._waiting: list[Pending] = []
        """The next first. Few ever wait; an empty deque would take 700 bytes."""
        self._next_id = random.getrandbits(32)
        self._last_heard = float("-inf")

    def __len__(self) -> int:
        return len(self._pending)

    def ask(self, contact: Contact, message: RequestMessage, waiter: Waiter, now: float) -> bool:
        """Send a request; False when the peer already owes an answer that is late, so do not wait for this one."""
        request_id = self._next_id = (self._next_id + 1) % REQUEST_IDS
        payload = encode_request(request_id, message)
        rides_along = not isinstance(message, NEVER_EARLY) and len(payload) <= EARLY_BYTES_MAX
        request = Request(contact, payload, rides_along)
        timing = self.timing.of(contact.node_id)
        timeout_s = self.timing.timeout_s(timing)
        pending = Pending(request_id, request, REPLY_OF[type(message)], waiter, timing, timeout_s, now)
        self._pending[request_id] = pending
        self.counts.requests += 1
        if self._window.has_room:
            self._begin(pending, now)
        else:
            self._waiting.append(pending)
        return not timing.late

    def receive(self, request_id: int, reply: Reply, sender: Contact, now: float) -> bool:
        """Take a reply; False when nobody asked this peer for it (any more)."""
        pending = self._pending.get(request_id)
        if (
            pending is None
            or pending.contact.node_id != sender.node_id
            or type(reply) is not pending.reply_type
        ):
            return False
        if pending.tries == 1:
            self._window.answered()
        self._leave(pending, now)
        self.counts.answers += 1
        self.timing.measured(pending.timing, now - pending.sent_at, pending.tries)
        if pending.tries > 1:
            self._window.answered_late(pending.sent_at, now)
        pending.waiter.answered(pending, reply, now)
        return True

    def heard(self, node_id: NodeId, now: float) -> None:
        """Note a sign of life of a peer."""
        self.timing.heard(node_id)
        self._last_heard = now

    def unreachable(self, node_id: NodeId, now: float) -> bool:
        """Fail all requests to a peer at once; False when there are none."""
        doomed = self._give_up(node_id, now)
        self.counts.failures_unreachable += doomed
        return bool(doomed)

    def misanswered(self, node_id: NodeId, now: float, request_id: int | None = None) -> bool:
        """Give up what was asked of a peer that answers nonsense: one request, or all when it does not say to which.

        False when nobody is waiting for an answer under this id, so that it may be a late one.
        """
        if request_id is None:
            self.counts.failures_nonsense += self._give_up(node_id, now)
            return True
        pending = self._pending.get(request_id)
        if pending is not None and pending.contact.node_id == node_id:
            self.counts.failures_nonsense += 1
            self._fail(pending, now)
        return pending is not None

    def heard_since(self, when: float) -> bool:
        """Tell whether our own network was up at some time since then: somebody was heard."""
        return self._last_heard > when

    def send_again(self, node_id: NodeId) -> bool:
        """Send what is under way to a peer once more, which counts as no try of it; False when there is nothing."""
        under_way = [
            each for each in self._pending.values() if each.contact.node_id == node_id and each.timer
        ]
        again = [each.request for each in under_way]
        self.outgoing += again
        return bool(again)

    def take_requests(self) -> list[Request]:
        """Return what is to be sent, once."""
        requests, self.outgoing = self.outgoing, []
        return requests

    def _begin(self, pending: Pending, now: float) -> None:
        pending.in_window = True
        pending.sent_at = now
        self._window.in_flight += 1
        self._send(pending, now)

    def _let_go(self, pending: Pending, now: float) -> None:
        """Let others have the place of a request that is over or late."""
        if not pending.in_window:
            return
        pending.in_window = False
        self._window.in_flight -= 1
        while self._waiting and self._window.has_room:
            following = self._waiting.pop(0)
            if following.request_id in self._pending:
                self._begin(following, now)

    def _send(self, pending: Pending, now: float) -> None:
        self.outgoing.append(pending.request)
        pending.timer = self._timers.at(now + pending.timeout_s, lambda then: self._expired(pending, then))

    def _expired(self, pending: Pending, now: float) -> None:
        self.counts.timeouts += 1
        if pending.tries >= self._config.tries_max:
            self.counts.failures_silent += 1
            self._fail(pending, now)
            return
        pending.timeout_s = self.timing.expired(pending.timing, pending.timeout_s)
        pending.tries += 1
        self._send(pending, now)
        if pending.tries == 2:
            self._let_go(pending, now)
            pending.waiter.slow(pending, now)

    def _fail(self, pending: Pending, now: float) -> None:
        if self._leave(pending, now):
            counts = self.timing.failed(pending.contact.node_id, pending.sent_at, now)
            if counts and self.heard_since(pending.sent_at):
                self._on_failed(pending.contact, now)
            pending.waiter.failed(pending, now)

    def _give_up(self, node_id: NodeId, now: float) -> int:
        doomed = [each for each in self._pending.values() if each.contact.node_id == node_id]
        for pending in doomed:
            self._fail(pending, now)
        return len(doomed)

    def _leave(self, pending: Pending, now: float) -> bool:
        if pending.timer is not None:
            pending.timer.cancel()
        self._let_go(pending, now)
        return self._pending.pop(pending.request_id, None) is not None


class Indifferent:
    """A waiter that needs no answer: for pings and background copies, whose effect is on the table alone."""

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Do nothing."""

    def slow(self, pending: Pending, now: float) -> None:
        """Do nothing."""

    def failed(self, pending: Pending, now: float) -> None:
        """Do nothing."""


INDIFFERENT = Indifferent()
