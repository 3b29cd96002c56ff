"""Answering peers: what this node says to each kind of request.

Nothing is kept per request. A STORE needs a token from a recent answer to the same node at the same host, and the
cheap checks come before the signature.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from ..wire import fault_points
from ..wire.contact import Contact
from ..wire.errors import DecodeError
from ..wire.record import KEY_AT, KEY_BYTES, RECORD_BYTES_MAX, Record
from .copies import PathCopies
from .digest import DigestAnswers
from .distance import number_of
from .listen import Listenings
from .listeners import Listeners
from .messages import (
    REPLY_BYTES_MAX,
    Changed,
    Digest,
    FindMany,
    FindNode,
    FindValue,
    Lacking,
    Listen,
    Listening,
    Nodes,
    Noted,
    Outcome,
    Ping,
    Pong,
    Reply,
    Request,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
    ValuesMany,
    encode_within,
)
from .naming import Naming
from .scope import storing_subnet_of
from .search import Context
from .store import Held
from .tokens import WriteTokens

VALUES_HEAD_BYTES = 32  # kind, id, token, total and the lengths of the lists
RECORD_HEAD_BYTES = 9  # pair, age, length
STALE_PERIODS = 3  # of the token secret: more than a token lives


class Answers(Protocol):
    """Whatever answers requests in the name of a node."""

    def reply(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Return the bytes that answer a request, at most `size_max`; None for no answer."""
        ...


class Server:
    """The answering side of a node."""

    __slots__ = (
        "_context",
        "_copies",
        "_digests",
        "_dropped",
        "_listeners",
        "_listenings",
        "_naming",
        "_tokens",
    )

    def __init__(
        self,
        context: Context,
        naming: Naming,
        secret: bytes,
        copies: PathCopies,
        listeners: Listeners,
        listenings: Listenings,
        dropped: Counter[str],
    ) -> None:
        self._context = context
        self._naming = naming
        self._digests = DigestAnswers(context)
        self._copies = copies
        self._listeners = listeners
        self._listenings = listenings
        self._tokens = WriteTokens(secret, context.config.token_rotation_s)
        self._dropped = dropped

    def reply(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Return the bytes that answer a request, at most `size_max`; None when no answer is that small."""
        if isinstance(request, Digest) and size_max < REPLY_BYTES_MAX:
            # Only a handshake has less room than a session, and there it may be a replay that wears out our patience.
            self._dropped["digest in a handshake"] += 1
            return None
        data = encode_within(request_id, self._reply(request, sender, now, size_max), size_max)
        if data is None:
            self._dropped["no room for a reply"] += 1
        return data

    def _reply(self, request: Request, sender: Contact, now: float, size_max: int) -> Reply:
        if isinstance(request, FindValue):
            return self._values(request, sender, now, size_max)
        if isinstance(request, FindNode):
            target, want, families = request
            named = self._naming.nearest(number_of(target), sender, want, families)
            return Nodes(self._token(sender, now), named)
        if isinstance(request, Store):
            return self._stored(request, sender, now)
        if isinstance(request, StoreMany):
            return self._stored_many(request, sender, now)
        if isinstance(request, FindMany):
            return self._values_many(request, sender, now, size_max)
        if isinstance(request, Listen):
            return self._listening(request, sender, now)
        if isinstance(request, Changed):
            return Noted(int(self._listenings.told(request.records, sender.node_id, now)))
        if isinstance(request, Digest):
            return self._lacking(request, sender, now)
        assert isinstance(request, Ping)
        return Pong()

    def _lacking(self, request: Digest, sender: Contact, now: float) -> Lacking:
        bits = self._digests.answer(request, sender.node_id, now)
        return Lacking(bits, self._token(sender, now) if bits and request.marks else b"")

    def _listening(self, request: Listen, sender: Contact, now: float) -> Listening:
        if not self._tokens.check(request.token, sender.node_id, sender.endpoint.host, now):
            return Listening(Outcome.BAD_TOKEN, 0, token=self._token(sender, now))
        return self._listeners.listen(request, sender, now)

    def _values(self, request: FindValue, sender: Contact, now: float, size_max: int) -> Values:
        """Answer with a page of records, the newest first, and with contacts while more are wanted."""
        held = self._context.store.get(request.key, now, request.owner)
        copies = self._copies.find(request, now) if not held else []
        held = held or copies
        page = _page(held[request.offset : request.offset + request.want], now, size_max)
        enough = len(page) >= request.want and all(each.record.value for each in held[: len(page)])
        contacts: list[Contact] = []
        if not enough and not request.offset:
            contacts = self._naming.nearest(number_of(request.key), sender, families=request.families)
        return Values(self._token(sender, now), len(held), page, contacts, int(bool(copies)))

    def _values_many(self, request: FindMany, sender: Contact, now: float, size_max: int) -> ValuesMany:
        newest = [held for key in request.keys for held in self._context.store.get(key, now)[:1]]
        return ValuesMany(self._token(sender, now), _page(newest, now, size_max))

    def _stored(self, request: Store, sender: Contact, now: float) -> Stored:
        """Answer as FindNode is answered too, if contacts are wanted; a bad token is answered with a good one."""
        stored = self._outcome(request, sender, now)
        if stored.outcome is Outcome.BAD_TOKEN:
            stored = stored._replace(token=self._token(sender, now))
        key = request.record[KEY_AT : KEY_AT + KEY_BYTES]
        if request.want and len(key) == KEY_BYTES:
            contacts = self._naming.nearest(number_of(key), sender, request.want)
            stored = stored._replace(token=self._token(sender, now), contacts=contacts)
        return stored

    def _stored_many(self, request: StoreMany, sender: Contact, now: float) -> StoredMany:
        if not self._tokens.check(request.token, sender.node_id, sender.endpoint.host, now):
            self._refused(Outcome.BAD_TOKEN, len(request.records))
            return StoredMany([(Outcome.BAD_TOKEN, 0)] * len(request.records), self._token(sender, now))
        stored = [self._put(encoded, age_s, sender, now) for age_s, encoded in request.records]
        return StoredMany([(each.outcome, each.sequence) for each in stored])

    def _outcome(self, request: Store, sender: Contact, now: float) -> Stored:
        if not self._tokens.check(request.token, sender.node_id, sender.endpoint.host, now):
            self._refused(Outcome.BAD_TOKEN)
            return Stored(Outcome.BAD_TOKEN, 0)
        return self._put(request.record, request.age_s, sender, now)

    def _put(self, encoded: bytes, age_s: int, sender: Contact, now: float) -> Stored:
        standings = self._context.standings
        if standings.refuses(sender.node_id, now):
            return Stored(Outcome.BAD_SIGNATURE, 0)
        stored = self._judged(encoded, age_s, sender, now)
        if stored.outcome is not Outcome.STORED:
            self._refused(stored.outcome)
        if stored.outcome in (Outcome.BAD_SIGNATURE, Outcome.WRONG_CONTENT):
            standings.blame(sender.node_id, "forged record", now)
        return stored

    def _judged(self, encoded: bytes, age_s: int, sender: Contact, now: float) -> Stored:
        if len(encoded) > RECORD_BYTES_MAX:
            return Stored(Outcome.TOO_LARGE, 0)
        try:
            record = Record.decode(encoded)
        except DecodeError:
            return Stored(Outcome.BAD_RECORD, 0)
        store = self._context.store
        if fault_points.active and fault_points.fires("dht.no-room", self._context.own_id):
            return Stored(Outcome.STORE_FULL, 0)
        outcome = store.put(record, now, age_s, subnet=storing_subnet_of(sender))
        held = store.find(record.key, record.owner)
        return Stored(outcome, held.record.sequence if held is not None else 0)

    def _refused(self, outcome: Outcome, count: int = 1) -> None:
        self._dropped[f"record refused: {outcome.reason}"] += count

    def _token(self, sender: Contact, now: float) -> bytes:
        if fault_points.active and fault_points.fires("dht.stale-token", self._context.own_id):
            now -= STALE_PERIODS * self._context.config.token_rotation_s
        return self._tokens.make(sender.node_id, sender.endpoint.host, now)


def _page(held: list[Held], now: float, size_max: int) -> list[tuple[int, bytes]]:
    """Return as many records as fit, each with its age."""
    page: list[tuple[int, bytes]] = []
    room = size_max - VALUES_HEAD_BYTES
    for each in held:
        encoded = each.record.encode()
        room -= len(encoded) + RECORD_HEAD_BYTES
        if room < 0:
            break
        page.append((each.age_s(now), encoded))
    return page
