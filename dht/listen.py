"""Listening to a key: being told of its records as they change, and of those that end.

A Listening registers at the `listen_holders` nodes nearest to the key, where sybils stand there at more
(listen_search.py), and does so again before the registration ends, after a new lookup: so it moves when holders die and
when nearer nodes come. A holder that has no memory of it (it is new, or had dropped it) may have kept something back,
so the records of the key are read once more.

Whoever tells of a record, it is verified here, once per (owner, sequence); nothing is told twice. Lives are counted
here: an end without a renewal is told too. OpenDHT (listen) and Kademlia's STORE are the models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..wire.contact import Contact
from ..wire.errors import DecodeError, QueueFull
from ..wire.identity import NodeId, PublicKey
from ..wire.record import Record
from .distance import number_of
from .gathering import gather_nodes, gather_values
from .get import GetResult, ValueSearch
from .listen_search import ListenSearch
from .messages import Listen, Outcome, Reply
from .messages import Listening as ListeningReply
from .rpc import Pending
from .search import Context, LookupResult, Search
from .store import Held
from .timers import Timer
from .tokens import TOKEN_BYTES

REFRESH_SHARE = 0.75  # of the life of a registration, less up to a tenth of it
JITTER = 0.1
NO_TOKEN = bytes(TOKEN_BYTES)  # is refused, with a good one


class Change(NamedTuple):
    """A record came, was renewed or ended; `live` is False at its end and for a tombstone.

    `expires_at` is the end of its life in this node's time; `new` tells that nothing live of this owner was known.
    """

    record: Record
    live: bool
    new: bool
    born_at: float
    expires_at: float


class Known:
    """The latest record of one owner."""

    __slots__ = ("change", "timer")

    def __init__(self, change: Change, timer: Timer | None) -> None:
        self.change = change
        self.timer = timer


class Listening:
    """One key listened to, until cancelled; the handle that `Dht.listen` returns."""

    __slots__ = (
        "_cancelled",
        "_context",
        "_contexts",
        "_known",
        "_left",
        "_on_cancel",
        "_on_change",
        "_read_due",
        "_retried",
        "_retry_s",
        "_run",
        "_timer",
        "dropped",
        "holders",
        "key",
        "owner",
    )

    def __init__(
        self,
        contexts: Sequence[Context],
        run: Callable[[Sequence[Search], float], None],
        key: bytes,
        owner: PublicKey | None,
        on_change: Callable[[Change], None],
        on_cancel: Callable[[Listening], None],
    ) -> None:
        self.key = key
        self.owner = owner
        self.holders: dict[NodeId, float] = {}
        """Holders that took the registration, or are asked to, and until when: those that may push."""
        self.dropped = 0
        """Records that were refused: of another key, badly signed, or more than are remembered."""
        self._contexts = contexts
        self._context = context = contexts[0]
        self._run = run
        self._on_change = on_change
        self._on_cancel = on_cancel
        self._known: dict[PublicKey, Known] = {}
        self._retried: set[NodeId] = set()
        self._left = 0
        self._read_due = True
        self._retry_s = context.config.republish_retry_s
        self._timer: Timer | None = None
        self._cancelled = False

    def start(self, now: float) -> None:
        """Tell what this node holds itself, then register and read the rest."""
        for held in self._context.store.get(self.key, now, self.owner or b""):
            self.heard(held, now)
        self._refresh(now)

    def cancel(self) -> None:
        """Hear no more; holders learn it at their next push, or when the registration ends."""
        self._cancelled = True
        self._disarm()
        for known in self._known.values():
            _cancel(known.timer)
        self._known.clear()
        self._on_cancel(self)

    def current(self) -> list[Change]:
        """Return what is live now."""
        return [known.change for known in self._known.values() if known.change.live]

    def heard(self, held: Held, now: float) -> None:
        """Take a record of this node's own store, which has verified it."""
        if self.owner in (None, held.record.owner):
            self._take(held.record, held.born_at, now)

    def told(self, records: Sequence[tuple[int, Record]], teller: NodeId, now: float) -> None:
        """Take what a holder pushed."""
        for age_s, record in records:
            if record.key == self.key and self.owner in (None, record.owner):
                self._take(record, now - age_s, now, teller)

    # registration

    def _refresh(self, now: float) -> None:
        self._disarm()
        self.holders = {node_id: until for node_id, until in self.holders.items() if until > now}
        parts, most = len(self._contexts), self._context.config.listen_holders_max
        take = gather_nodes(parts, number_of(self.key), most * parts, self._register)
        try:
            self._run([ListenSearch(context, self.key, take) for context in self._contexts], now)
        except QueueFull:
            self._settled(now)

    def _register(self, result: LookupResult, now: float) -> None:
        if self._cancelled:
            return
        self._retried.clear()
        self._left = len(result.contacts)
        for contact in result.contacts:
            token = self._context.tokens.fresh(contact.node_id, now)
            self._ask(contact, token or NO_TOKEN, now)
        if not result.contacts:
            self._settled(now)

    def _ask(self, contact: Contact, token: bytes, now: float) -> None:
        # A push may overtake the answer.
        self.holders.setdefault(contact.node_id, now + self._context.config.listen_life_s)
        self._context.rpc.ask(contact, Listen(token, self.key, self.owner or b""), self, now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Note a holder; ask once more with a good token where ours was too old."""
        assert isinstance(reply, ListeningReply)
        contact = pending.contact
        if self._cancelled:
            return
        if reply.outcome is Outcome.BAD_TOKEN and reply.token and contact.node_id not in self._retried:
            self._retried.add(contact.node_id)
            self._ask(contact, reply.token, now)
        elif reply.outcome is Outcome.STORED:
            self.holders[contact.node_id] = now + min(reply.life_s, self._context.config.listen_life_s)
            self._read_due |= bool(reply.fresh)
            self._one_less(now)
        else:
            self._lost(contact, now)

    def slow(self, pending: Pending, now: float) -> None:
        """Do nothing: it is sent again."""

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without a dead holder; the next lookup finds another."""
        if not self._cancelled:
            self._lost(pending.contact, now)

    def _lost(self, contact: Contact, now: float) -> None:
        self.holders.pop(contact.node_id, None)
        self._one_less(now)

    def _one_less(self, now: float) -> None:
        self._left -= 1
        if not self._left:
            self._settled(now)

    def _settled(self, now: float) -> None:
        """Set the time of the next refresh; read the records where a holder may have kept some back."""
        config = self._context.config
        if self.holders:
            self._retry_s = config.republish_retry_s
            wait_s = config.listen_life_s * REFRESH_SHARE * (1 - JITTER * self._context.random.random())
        else:
            wait_s = self._retry_s
            self._retry_s = min(2 * self._retry_s, config.listen_life_s * REFRESH_SHARE)
        self._timer = self._context.timers.at(now + wait_s, self._refresh)
        if self._read_due:
            self._read(now)

    def _read(self, now: float) -> None:
        want = self._context.config.listen_owners_max if self.owner is None else 1
        take = gather_values(len(self._contexts), self.owner, want, self._have_read)
        try:
            what = (self.key, self.owner, want, take)
            self._run([ValueSearch(each, *what, copies=False) for each in self._contexts], now)
            self._read_due = False
        except QueueFull:
            return  # the next refresh reads

    def _have_read(self, result: GetResult, now: float) -> None:
        for found in () if self._cancelled else result.found:
            self._take(found.record, found.born_at, now)

    # records

    def _take(self, record: Record, born_at: float, now: float, teller: NodeId | None = None) -> None:
        """Take a record, after verifying it if a peer told it."""
        config, known = self._context.config, self._known.get(record.owner)
        expires_at = born_at + min(record.ttl_s, config.record_ttl_s_max)
        if expires_at <= now or (known is not None and record.sequence <= known.change.record.sequence):
            return
        if (known is None and not self._has_room()) or not self._is_genuine(record, teller, now):
            self.dropped += 1
            return
        live = bool(record.value)
        was_live = known is not None and known.change.live
        change = Change(record, live, live and not was_live, born_at, expires_at)
        if known is not None:
            _cancel(known.timer)
        end = self._context.timers.at(expires_at, lambda then: self._ended(record, then)) if live else None
        self._known[record.owner] = Known(change, end)
        if live or was_live:
            self._on_change(change)

    def _is_genuine(self, record: Record, teller: NodeId | None, now: float) -> bool:
        if teller is None:
            return True
        standings = self._context.standings
        if standings.refuses(teller, now):
            return False
        genuine = self._context.signatures.verify(record)
        if not genuine:
            standings.blame(teller, "forged record", now)
        return genuine

    def _ended(self, record: Record, now: float) -> None:
        """Tell the end of a life; the sequence is remembered, so that nobody can give it a second one."""
        known = self._known[record.owner]
        change = known.change._replace(live=False, new=False)
        self._known[record.owner] = Known(change, None)
        self._on_change(change)

    def _has_room(self) -> bool:
        """Make room for one more owner in place of one that is gone, if need be."""
        if len(self._known) < self._context.config.listen_owners_max:
            return True
        gone = next((owner for owner, known in self._known.items() if not known.change.live), None)
        if gone is not None:
            del self._known[gone]
        return gone is not None

    def _disarm(self) -> None:
        _cancel(self._timer)
        self._timer = None


class Listenings:
    """All that this node listens to, by key."""

    __slots__ = ("_on_key", "size")

    def __init__(self) -> None:
        self.size = 0
        self._on_key: dict[bytes, list[Listening]] = {}

    def add(self, listening: Listening) -> None:
        """Pass on what comes from now on."""
        self._on_key.setdefault(listening.key, []).append(listening)
        self.size += 1

    def remove(self, listening: Listening) -> None:
        """Pass on no more; no effect the second time."""
        on_key = self._on_key.get(listening.key, [])
        if listening in on_key:
            on_key.remove(listening)
            self.size -= 1
        if not on_key:
            self._on_key.pop(listening.key, None)

    def heard(self, held: Held, now: float) -> None:
        """Pass on a record that entered this node's own store."""
        for listening in tuple(self._on_key.get(held.record.key, ())):
            listening.heard(held, now)

    def told(self, records: Sequence[tuple[int, bytes]], sender: NodeId, now: float) -> bool:
        """Take a push of a node that was asked for it; False when nothing in it is wanted."""
        wanted = False
        for age_s, encoded in records:
            try:
                record = Record.decode(encoded)
            except DecodeError:
                return False
            for listening in tuple(self._on_key.get(record.key, ())):
                if sender in listening.holders:
                    wanted = True
                    listening.told([(age_s, record)], sender, now)
        return wanted


def _cancel(timer: Timer | None) -> None:
    if timer is not None:
        timer.cancel()
