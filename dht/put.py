"""Storing a record on the nodes nearest to its key.

A STORE leaves as soon as a peer is as good as certain to be among the replicas. One that lies within the radius in
which they are expected, and whose write token is at hand, is not asked for its contacts first: it gets the record, and
names them in its answer (an optimistic put, as in Trautwein et al., INFOCOM 2024, whose thresholds are finer). Nobody
else is asked until an answer has come, for it names those that are nearer than most who are known: then the nearest of
all get it, too, and those whose tokens are not at hand are asked for one first.

A peer that fails or has no room widens the search by one (no room does not, where the caller has another place); one
that holds a newer record of the owner is a replica already, and says how new. The caller hears at the quorum, the rest
goes on. This node is a replica like any other when fewer than `value_replicas` nodes are nearer. More than so many get
the record where more stand in the region of the key, and around a crowd (crowd.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ..wire.contact import Contact
from ..wire.identity import NodeId
from ..wire.record import Record
from .crowd import CROWD_NODES, KeySearch
from .distance import number_of
from .lookup import Candidate, State
from .messages import FindNode, Nodes, Outcome, Reply, Request, Store, Stored
from .rpc import Pending
from .search import Context, Hop

REMARKS = {
    outcome: "stored" if outcome is Outcome.STORED else f"refused: {outcome.reason}" for outcome in Outcome
}

NAMING = 2
"""Of those who are stored at unasked, how many name the neighbourhood: one alone may lack a newcomer. With three a put
among 50 nodes takes a twentieth more CPU."""

Refusals = tuple[tuple[Outcome, int], ...]


class PutResult(NamedTuple):
    """Who holds the record so far; `newest_sequence` is the highest of this owner that a holder refused it for.

    `refused` tells of how many others refused it so far for which reason.
    """

    stored_on: list[NodeId]
    newest_sequence: int
    hops: list[Hop]
    refused: Refusals = ()

    @property
    def key_full(self) -> int:
        """How many had no room under its key."""
        return dict(self.refused).get(Outcome.KEY_FULL, 0)


def refusals(outcomes: Iterable[Outcome]) -> Refusals:
    """Count the refusals among the outcomes, by reason, in the order in which each was first met."""
    refused = [outcome for outcome in outcomes if outcome is not Outcome.STORED]
    return tuple(Counter(refused).items()) if refused else ()


class StoreSearch(KeySearch):
    """Find the replicas of a record's key and store it there."""

    __slots__ = (
        "_done",
        "_encoded",
        "_given",
        "_here",
        "_minded",
        "_newest_sequence",
        "_outcomes",
        "_outstanding",
        "_quorum",
        "_radius",
        "_record",
        "_retried",
        "_stored",
        "_tokens",
        "_want",
        "_widens",
    )

    def __init__(
        self,
        context: Context,
        record: Record,
        quorum: int,
        done: Callable[[PutResult, float], None],
        *,
        widens: bool = True,
    ) -> None:
        replicas = context.config.value_replicas
        self._want = replicas + context.config.parallelism
        super().__init__(context, record.key, FindNode(record.key, self._want, context.asks), replicas)
        self._encoded = record.encode()
        self._radius = context.table.radius(replicas)
        self._record = record
        self._quorum = quorum
        self._done = done
        self._given = False
        self._here = False
        self._minded: list[Contact] = []
        self._newest_sequence = 0
        self._retried: set[NodeId] = set()
        self._widens = widens
        self._stored: list[NodeId] = []
        self._tokens: dict[NodeId, bytes] = {}
        self._outstanding: dict[NodeId, None] = {}
        self._outcomes: dict[NodeId, tuple[Outcome | None, float]] = {}

    def request_for(self, candidate: Candidate, now: float) -> Request:
        """Store at once at a peer that is sure enough and whose token is at hand; ask the others for contacts."""
        if self._is_sure(candidate):
            node_id = candidate.contact.node_id
            token = self.context.tokens.fresh(node_id, now)
            if token:
                want = self._want if len(self._outstanding) < NAMING else 0
                self._outstanding[node_id] = None
                return Store(token, 0, self._encoded, want)
        return self.request

    def _is_sure(self, candidate: Candidate) -> bool:
        """Tell whether a peer is as good as certain to be among the replicas."""
        lookup = self.lookup
        near = candidate.distance <= self._radius or candidate in lookup.enlisted
        return near or (lookup.wide and lookup.anybody_answered)

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Keep the write token of a peer that has not stored yet, read the contacts."""
        if isinstance(reply, Nodes):
            self._tokens[candidate.contact.node_id] = reply.token
        return reply.contacts if isinstance(reply, Nodes | Stored) else None

    def advance(self, now: float) -> None:
        """Ask on, and store where it is time to."""
        lookup = self.lookup
        if not self.ended and lookup.wide:
            self._mind_region()
            lookup.parallelism_wide = self._count if lookup.anybody_answered else self._sure_count()
        super().advance(now)
        if not self.ended and lookup.wide and self._tokens:
            self._offer(lookup.in_reach(), now)

    def exhausted(self, now: float) -> None:
        """Store at all that is left; end when everybody has answered."""
        self._store_here(now)
        self._offer(self.lookup.nearest_answered(), now)
        if not (self._outstanding or self.goes_around):
            self.end(now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Count a holder, feed an answer to the lookup, or both."""
        if not isinstance(reply, Stored):
            super().answered(pending, reply, now)
            return
        candidate = self.lookup.find(pending.contact.node_id)
        first = candidate is not None and candidate.state is not State.ANSWERED
        self._outstanding.pop(pending.contact.node_id, None)
        self._outcomes[pending.contact.node_id] = reply.outcome, now - self.began_at
        self._settle(pending.contact.node_id, reply, now)
        if first:
            super().answered(pending, reply, now)
        else:
            self.advance(now)

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without a dead peer; one that had answered is replaced by one more."""
        if pending.reply_type is Stored:
            self._outstanding.pop(pending.contact.node_id, None)
            self._outcomes[pending.contact.node_id] = None, now - self.began_at
            candidate = self.lookup.find(pending.contact.node_id)
            self.lookup.count += candidate is not None and candidate.state is State.ANSWERED
        super().failed(pending, now)

    def give(self, now: float) -> None:
        """Tell the caller, once."""
        if not self._given:
            self._given = True
            said = (outcome for outcome, _ in self._outcomes.values() if outcome is not None)
            result = PutResult(list(self._stored), self._newest_sequence, self.hops(), refusals(said))
            self._done(result, now)

    def remark(self, candidate: Candidate) -> tuple[str, float | None]:
        """Return what a holder said to the record."""
        node_id = candidate.contact.node_id
        if node_id in self._outstanding:
            return "store under way", None
        if node_id not in self._outcomes:
            return "", None
        outcome, said_s = self._outcomes[node_id]
        return "no answer to the store" if outcome is None else REMARKS[outcome], said_s

    def _sure_count(self) -> int:
        """Count whom to ask before anybody has named the nearest: those where they should be, or a few."""
        sure = sum(candidate.distance <= self._radius for candidate in self.lookup.candidates)
        return max(self.context.config.parallelism, min(sure, self._count))

    def _mind_region(self) -> None:
        """Store in all of the region; ask for more contacts where there seem to be more than those wanted."""
        region = self.region()
        if region is self._minded:
            return
        self._minded = region
        self.lookup.enlist(region)
        if len(region) >= self._want:
            count = CROWD_NODES + self.context.config.parallelism
            self.request = FindNode(self._record.key, count, self.context.asks)

    def _offer(self, candidates: Sequence[Candidate], now: float) -> None:
        for candidate in candidates:
            node_id = candidate.contact.node_id
            token = self._tokens.pop(node_id, None)
            if token is not None:
                self._outstanding[node_id] = None
                self._outcomes.pop(node_id, None)
                store = Store(token, 0, self._encoded)
                self.context.rpc.ask(candidate.contact, store, self, now)

    def _settle(self, node_id: NodeId, reply: Stored, now: float) -> None:
        """Note what became of the record at a peer; a bad token is replaced, once, by the one in the answer.

        It may be old, or of an answer that went to our address of the other family.
        """
        if reply.outcome is Outcome.STORED:
            self._holds(node_id, now)
        elif reply.outcome is Outcome.OLD_SEQUENCE:
            self._newest_sequence = max(self._newest_sequence, reply.sequence)
        elif reply.outcome is Outcome.BAD_TOKEN and reply.token and node_id not in self._retried:
            self._retried.add(node_id)
            self._tokens[node_id] = reply.token
        else:
            self.lookup.count += self._widens or reply.outcome is not Outcome.KEY_FULL

    def _store_here(self, now: float) -> None:
        if self._here:
            return
        self._here = True
        context = self.context
        nearest = self.lookup.nearest_answered()
        full = len(nearest) == self.lookup.count
        if full and nearest[-1].distance < number_of(context.own_id) ^ self.target:
            return
        outcome = context.store.put(self._record, now, trusted=True)
        self._outcomes[context.own_id] = outcome, now - self.began_at
        if outcome is Outcome.STORED:
            self._holds(context.own_id, now)
        elif outcome is Outcome.OLD_SEQUENCE:
            held = context.store.find(self._record.key, self._record.owner)
            self._newest_sequence = max(
                self._newest_sequence, held.record.sequence if held is not None else 0
            )

    def _holds(self, node_id: NodeId, now: float) -> None:
        self._stored.append(node_id)
        if len(self._stored) >= self._quorum:
            self.give(now)
