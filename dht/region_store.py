"""Storing many records of one region: one lookup, then packed multi-stores to each of its holders.

All records whose replicas are surely among the nodes found are claimed when the lookup is over, so that what became
due meanwhile comes along. A holder has one STORE_MANY on its way at a time, so a region of hundreds of records makes
no burst. A holder that fails or refuses a record is replaced by the next nearest that was found. A record next to whose
key there is a crowd (crowd.py) is handed to `apart`, to be stored by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..wire.contact import Contact
from ..wire.identity import NodeId
from ..wire.record import Record
from .batch import datagrams
from .crowd import CROWD_NODES, REGION_NODES
from .distance import number_of
from .lookup import Candidate
from .messages import RECORDS_MAX, FindNode, Nodes, Outcome, Reply, StoredMany, StoreMany
from .put import PutResult, refusals
from .region import Region
from .rpc import Pending
from .search import PATIENCE, Context, Hop, Search


class Errand:
    """A record that is to be stored; `done(record, result, now)` is told what became of it."""

    __slots__ = (
        "_done",
        "encoded",
        "key",
        "newest_sequence",
        "outcomes",
        "record",
        "spare",
        "stored",
        "widens",
    )

    def __init__(
        self,
        record: Record,
        done: Callable[[Record, PutResult, float], None],
        *,
        widens: bool = True,
    ) -> None:
        self.record = record
        self.encoded = record.encode()
        self.key = number_of(record.key)
        self.newest_sequence = 0
        self.outcomes: list[Outcome] = []
        self.widens = widens
        self.stored: list[NodeId] = []
        self.spare: list[Candidate] = []
        self._done = done

    def settle(self, outcome: Outcome, sequence: int, holder: NodeId) -> bool:
        """Note the answer of a holder; False when it does not hold the record or a newer one."""
        self.outcomes.append(outcome)
        if outcome is Outcome.STORED:
            self.stored.append(holder)
        elif outcome is Outcome.OLD_SEQUENCE:
            self.newest_sequence = max(self.newest_sequence, sequence)
        return outcome in (Outcome.STORED, Outcome.OLD_SEQUENCE)

    def end(self, hops: list[Hop], now: float) -> None:
        """Tell what became of it."""
        self.ended(PutResult(self.stored, self.newest_sequence, hops, refusals(self.outcomes)), now)

    def ended(self, result: PutResult, now: float) -> None:
        """Pass on what became of it elsewhere."""
        self._done(self.record, result, now)


class Line:
    """What is to go to one holder and what is on its way."""

    __slots__ = ("contact", "retried", "sent", "token", "waiting")

    def __init__(self, contact: Contact, token: bytes) -> None:
        self.contact = contact
        self.token = token
        self.retried = False
        self.waiting: list[Errand] = []
        self.sent: list[Errand] = []

    def next_page(self) -> list[tuple[int, bytes]]:
        """Take as many as fit one request."""
        page = next(datagrams((0, errand.encoded) for errand in self.waiting[:RECORDS_MAX]))
        self.sent, self.waiting = self.waiting[: len(page)], self.waiting[len(page) :]
        return page

    def take_all(self) -> list[Errand]:
        """Take back whatever it was to have."""
        errands, self.sent, self.waiting = [*self.sent, *self.waiting], [], []
        return errands


class RegionStore(Search):
    """Store a record, and with it whatever `claim(region, now)` names."""

    __slots__ = ("_apart", "_claim", "_done", "_errands", "_lines", "_offered", "_tokens")

    def __init__(
        self,
        context: Context,
        first: Errand,
        claim: Callable[[Region, float], list[Errand]],
        apart: Callable[[Errand, float], None],
        done: Callable[[float], None],
    ) -> None:
        key = first.record.key
        super().__init__(context, key, FindNode(key, 0, context.asks), context.config.bucket_size)
        self._claim = claim
        self._apart = apart
        self._done = done
        self._errands = [first]
        self._lines: dict[NodeId, Line] = {}
        self._offered = False
        self._tokens: dict[NodeId, bytes] = {}

    def parallelism_wide(self) -> int:
        """Return how many requests may be in flight once the search is wide: nobody waits for it."""
        return min(self._count, PATIENCE * self.context.config.parallelism)

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Keep the write token, read the contacts."""
        if not isinstance(reply, Nodes):
            return None
        self._tokens[candidate.contact.node_id] = reply.token
        return reply.contacts

    def exhausted(self, now: float) -> None:
        """Offer the records once the lookup is over; end when all holders have answered."""
        if not self._offered:
            self._offered = True
            self._offer_all(now)
        self._send(now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Count holders, or feed an answer to the lookup."""
        if not isinstance(reply, StoredMany):
            super().answered(pending, reply, now)
        elif not self.ended:
            self._settle(self._lines[pending.contact.node_id], reply)
            self._send(now)

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without a dead peer."""
        if pending.reply_type is not StoredMany:
            super().failed(pending, now)
        elif not self.ended:
            for errand in self._lines[pending.contact.node_id].take_all():
                self._offer_next(errand)
            self._send(now)

    def give(self, now: float) -> None:
        """Tell what became of each record."""
        hops = self.hops()
        for errand in self._errands:
            errand.end(hops, now)
        self._done(now)

    def _offer_all(self, now: float) -> None:
        config = self.context.config
        found = self.lookup.nearest_answered()
        everybody_asked = len(self.lookup.asked) < config.lookup_requests_max
        whole = everybody_asked and len(found) < self._count
        if found or whole:
            region = Region(self.target, found, config.value_replicas, whole=whole)
            errands = [*self._errands, *self._claim(region, now)]
            nearby = [
                region.within(errand.key, self.context.table.radius(REGION_NODES)) for errand in errands
            ]
            self._errands = []
            for errand, count in zip(errands, nearby, strict=True):
                if count >= CROWD_NODES:
                    self._apart(errand, now)
                else:
                    self._errands.append(errand)
                    self._offer(errand, region.ranked(errand.key), max(count, config.value_replicas), now)

    def _offer(self, errand: Errand, ranked: list[Candidate], replicas: int, now: float) -> None:
        own_distance = number_of(self.context.own_id) ^ errand.key
        full = len(ranked) >= replicas
        if not full or own_distance < ranked[replicas - 1].contact.number ^ errand.key:
            self._store_here(errand, now)
        errand.spare = ranked
        for _ in range(replicas):
            self._offer_next(errand)

    def _store_here(self, errand: Errand, now: float) -> None:
        store, record = self.context.store, errand.record
        outcome = store.put(record, now, trusted=True)
        held = store.find(record.key, record.owner)
        errand.settle(outcome, held.record.sequence if held is not None else 0, self.context.own_id)

    def _offer_next(self, errand: Errand) -> None:
        if errand.spare:
            contact = errand.spare.pop(0).contact
            node_id = contact.node_id
            if node_id not in self._lines:
                self._lines[node_id] = Line(contact, self._tokens[node_id])
            self._lines[node_id].waiting.append(errand)

    def _settle(self, line: Line, reply: StoredMany) -> None:
        """Note the answers of a holder; one that leaves some out refuses these."""
        errands, line.sent = line.sent, []
        if reply.token and not line.retried:
            line.token, line.retried = reply.token, True
            line.waiting = errands + line.waiting
            return
        refused = errands[len(reply.outcomes) :]
        for errand, (outcome, sequence) in zip(errands, reply.outcomes, strict=False):
            kept = errand.settle(outcome, sequence, line.contact.node_id)
            if not kept and (errand.widens or outcome is not Outcome.KEY_FULL):
                refused.append(errand)
        for errand in refused:
            self._offer_next(errand)

    def _send(self, now: float) -> None:
        """Send to every holder that has nothing on its way; end when there is nothing left."""
        for line in self._lines.values():
            if line.waiting and not line.sent:
                request = StoreMany(line.token, line.next_page())
                self.context.rpc.ask(line.contact, request, self, now)
        if not any(line.sent for line in self._lines.values()):
            self.end(now)
