"""Who listens to the records this node holds, and telling them what is new.

A LISTEN registers a peer for a key, or for one owner under it, until its life is over; its token has proved the way
back. Each record that enters the store goes to the key's listeners at once. Per listener one CHANGED is in flight:
what comes meanwhile is packed into the next one, of one owner only the latest. Over all listeners `pushes_max` are in
flight, the others wait in line, so that a popular key is paced by the answers of its listeners.

A listener that leaves a CHANGED without an answer, after all its tries, or says that it wants no more, is forgotten.
"""

from __future__ import annotations

from ..wire.contact import Contact
from ..wire.identity import NodeId, PublicKey
from .config import DhtConfig
from .messages import RECORDS_MAX, Changed, Listen, Listening, Noted, Outcome, Reply
from .rpc import Pending, Rpc
from .store import Held

CHANGED_BYTES_MAX = 1100  # of records: with its head in one frame of 1150 bytes
RECORD_HEAD_BYTES = 9  # pair, age, length


class Listener:
    """One peer that listens to one key; `news` is what it has not been sent, per owner."""

    __slots__ = ("contact", "expires_at", "key", "news", "owner", "pushing", "waiting")

    def __init__(self, contact: Contact, key: bytes, owner: bytes, expires_at: float) -> None:
        self.contact = contact
        self.key = key
        self.owner = owner
        self.expires_at = expires_at
        self.news: dict[PublicKey, Held] = {}
        self.pushing = False
        self.waiting = False


class Listeners:
    """The listeners of this node's records: bounded per key, per peer and in total."""

    __slots__ = ("_config", "_line", "_of_peer", "_on_key", "_pushing", "_rpc", "size")

    def __init__(self, config: DhtConfig, rpc: Rpc) -> None:
        self.size = 0
        self._config = config
        self._rpc = rpc
        self._on_key: dict[bytes, dict[NodeId, Listener]] = {}
        self._of_peer: dict[NodeId, int] = {}
        self._line: list[Listener] = []
        """The next first. Few ever wait; an empty deque would take 700 bytes."""
        self._pushing = 0

    def listen(self, request: Listen, sender: Contact, now: float) -> Listening:
        """Register a peer whose token was good, or prolong its registration."""
        listener = self._on_key.get(request.key, {}).get(sender.node_id)
        fresh = listener is None or listener.expires_at <= now
        if listener is None:
            self._expire(request.key, now)
            if not self._has_room(request.key, sender.node_id, now):
                return Listening(Outcome.NO_ROOM, 0)
            listener = Listener(sender, request.key, request.owner, 0.0)
            self._add(listener)
        listener.contact = sender
        listener.owner = request.owner
        listener.expires_at = now + self._config.listen_life_s
        return Listening(Outcome.STORED, int(self._config.listen_life_s), int(fresh))

    def changed(self, held: Held, now: float) -> None:
        """Tell a new record to those who listen to its key."""
        for listener in list(self._on_key.get(held.record.key, {}).values()):
            if listener.expires_at <= now:
                self._remove(listener)
            elif listener.owner in (b"", held.record.owner):
                listener.news[held.record.owner] = held
                self._push_in_turn(listener, now)

    def of_key(self, key: bytes) -> int:
        """Return how many listen to a key."""
        return len(self._on_key.get(key, ()))

    def amounts(self) -> tuple[int, int, int]:
        """Return the listeners of the most popular key, those of the busiest peer, and the pushes in flight."""
        of_key = max(map(len, self._on_key.values()), default=0)
        return of_key, max(self._of_peer.values(), default=0), self._pushing

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Go on with what came meanwhile, unless the listener wants no more."""
        listener = self._pushed(pending)
        if listener is not None and isinstance(reply, Noted) and not reply.wanted:
            self._remove(listener)
        elif listener is not None and listener.news:
            self._push_in_turn(listener, now)
        self._push_next(now)

    def slow(self, pending: Pending, now: float) -> None:
        """Do nothing: it is sent again."""

    def failed(self, pending: Pending, now: float) -> None:
        """Forget a listener that does not answer."""
        listener = self._pushed(pending)
        if listener is not None:
            self._remove(listener)
        self._push_next(now)

    def _push_in_turn(self, listener: Listener, now: float) -> None:
        if listener.pushing or listener.waiting:
            return
        if self._pushing < self._config.pushes_max:
            self._push(listener, now)
        else:
            listener.waiting = True
            self._line.append(listener)

    def _push_next(self, now: float) -> None:
        while self._line and self._pushing < self._config.pushes_max:
            listener = self._line.pop(0)
            listener.waiting = False
            if self._is_known(listener) and listener.news:
                self._push(listener, now)

    def _push(self, listener: Listener, now: float) -> None:
        listener.pushing = True
        self._pushing += 1
        self._rpc.ask(listener.contact, Changed(_page(listener.news, now)), _Push(self, listener), now)

    def _pushed(self, pending: Pending) -> Listener | None:
        """Note the end of a push; None when the listener is registered no more."""
        assert isinstance(pending.waiter, _Push)
        listener = pending.waiter.listener
        listener.pushing = False
        self._pushing -= 1
        return listener if self._is_known(listener) else None

    def _is_known(self, listener: Listener) -> bool:
        return self._on_key.get(listener.key, {}).get(listener.contact.node_id) is listener

    def _has_room(self, key: bytes, peer: NodeId, now: float) -> bool:
        config = self._config
        if self.size >= config.listeners_max:
            for other in list(self._on_key):
                self._expire(other, now)
        return (
            self.size < config.listeners_max
            and self.of_key(key) < config.listeners_per_key_max
            and self._of_peer.get(peer, 0) < config.listeners_per_peer_max
        )

    def _expire(self, key: bytes, now: float) -> None:
        for listener in list(self._on_key.get(key, {}).values()):
            if listener.expires_at <= now:
                self._remove(listener)

    def _add(self, listener: Listener) -> None:
        node_id = listener.contact.node_id
        self._on_key.setdefault(listener.key, {})[node_id] = listener
        self._of_peer[node_id] = self._of_peer.get(node_id, 0) + 1
        self.size += 1

    def _remove(self, listener: Listener) -> None:
        node_id = listener.contact.node_id
        on_key = self._on_key[listener.key]
        del on_key[node_id]
        if not on_key:
            del self._on_key[listener.key]
        self._of_peer[node_id] -= 1
        if not self._of_peer[node_id]:
            del self._of_peer[node_id]
        self.size -= 1


class _Push:
    """Whoever waits for the answer to one CHANGED."""

    __slots__ = ("_listeners", "listener")

    def __init__(self, listeners: Listeners, listener: Listener) -> None:
        self._listeners = listeners
        self.listener = listener

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        self._listeners.answered(pending, reply, now)

    def slow(self, pending: Pending, now: float) -> None:
        self._listeners.slow(pending, now)

    def failed(self, pending: Pending, now: float) -> None:
        self._listeners.failed(pending, now)


def _page(news: dict[PublicKey, Held], now: float) -> list[tuple[int, bytes]]:
    """Take as many records as one CHANGED holds, the oldest news first; always at least one."""
    page: list[tuple[int, bytes]] = []
    room = CHANGED_BYTES_MAX
    while news and len(page) < RECORDS_MAX:
        owner, held = next(iter(news.items()))
        encoded = held.record.encode()
        room -= len(encoded) + RECORD_HEAD_BYTES
        if page and room < 0:
            break
        page.append((held.age_s(now), encoded))
        del news[owner]
    return page
