"""Storing a record on the nodes nearest to its key.

A STORE leaves as soon as a peer is certainly among the replicas: once the search is wide, to everybody who answered
of the nearest candidates that did not fail. A peer that fails or has no room widens the search by one; one that
holds a newer record of the owner is a replica already, and says how new. The caller hears at the quorum, the rest
goes on. This node is a replica like any other when fewer than `value_replicas` nodes are nearer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..wire.contact import Contact
from ..wire.identity import NodeId
from ..wire.record import Record
from .distance import number_of
from .lookup import Candidate
from .messages import FindNode, Nodes, Outcome, Reply, Store, Stored
from .rpc import Pending
from .search import Context, Hop, Search


class PutResult(NamedTuple):
    """Who holds the record so far; `newest_sequence` is the highest of this owner that a holder refused it for."""

    stored_on: list[NodeId]
    newest_sequence: int
    hops: list[Hop]


class StoreSearch(Search):
    """Find the replicas of a record's key and store it there."""

    __slots__ = (
        "_done",
        "_given",
        "_here",
        "_newest_sequence",
        "_outstanding",
        "_quorum",
        "_record",
        "_stored",
        "_tokens",
    )

    def __init__(
        self,
        context: Context,
        record: Record,
        quorum: int,
        done: Callable[[PutResult, float], None],
    ) -> None:
        super().__init__(context, record.key, FindNode(record.key), context.config.value_replicas)
        self._record = record
        self._quorum = quorum
        self._done = done
        self._given = False
        self._here = False
        self._newest_sequence = 0
        self._stored: list[NodeId] = []
        self._tokens: dict[NodeId, bytes] = {}
        self._outstanding: dict[NodeId, None] = {}

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Keep the write token, read the contacts."""
        if not isinstance(reply, Nodes):
            return None
        self._tokens[candidate.contact.node_id] = reply.token
        return reply.contacts

    def advance(self, now: float) -> None:
        """Ask on, and store where it is time to."""
        super().advance(now)
        if not self.ended and self.lookup.wide:
            self._offer(self.lookup.in_reach(), now)

    def exhausted(self, now: float) -> None:
        """Store at all that is left; end when everybody has answered."""
        self._store_here(now)
        self._offer(self.lookup.nearest_answered(), now)
        if not self._outstanding:
            self.end(now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Count a holder, or feed an answer to the lookup."""
        if not isinstance(reply, Stored):
            super().answered(pending, reply, now)
            return
        node_id = pending.contact.node_id
        self._outstanding.pop(node_id, None)
        if reply.outcome is Outcome.STORED:
            self._holds(node_id, now)
        elif reply.outcome is Outcome.OLD_SEQUENCE:
            self._newest_sequence = max(self._newest_sequence, reply.sequence)
        else:
            self.lookup.count += 1
        self.advance(now)

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without a dead peer."""
        if pending.reply_type is Stored:
            self._outstanding.pop(pending.contact.node_id, None)
            self.lookup.count += 1
        super().failed(pending, now)

    def give(self, now: float) -> None:
        """Tell the caller, once."""
        if not self._given:
            self._given = True
            self._done(PutResult(list(self._stored), self._newest_sequence, self.hops()), now)

    def _offer(self, candidates: Sequence[Candidate], now: float) -> None:
        for candidate in candidates:
            node_id = candidate.contact.node_id
            token = self._tokens.pop(node_id, None)
            if token is not None:
                self._outstanding[node_id] = None
                store = Store(token, 0, self._record.encode())
                self.context.rpc.ask(candidate.contact, store, self, now)

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
