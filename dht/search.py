"""One lookup carried out: asks whom the state machine names and feeds it what comes back.

A search ends by itself when the lookup is finished or its time is up; subclasses end it earlier. When nobody has
answered for as long as the quickest quarter of peers takes, the one waited for longest counts as slow and another
is asked (a hedge); each further silence may last twice as long, or no longer where one peer alone is asked at a time,
which costs little. So a few dead peers cost milliseconds even where time-outs, measured under load, are long.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .config import DhtConfig
from .distance import number_of
from .doubt import missing
from .lookup import Candidate, Lookup, State
from .messages import FindNode, Nodes, Reply, Request, Stored, Values
from .rpc import Pending, Rpc
from .scope import believable
from .signatures import Signatures
from .standing import Standings
from .store import RecordStore
from .table import RoutingTable
from .timers import Timer, Timers
from .tokens import KnownTokens


@dataclass(frozen=True, slots=True)
class Context:
    """What every operation of one node works with, in the DHT of one address family."""

    own_id: NodeId
    config: DhtConfig
    random: Random
    timers: Timers
    table: RoutingTable
    store: RecordStore
    rpc: Rpc
    tokens: KnownTokens
    signatures: Signatures
    standings: Standings
    family: int = 0
    """Its contacts are of this family; 0: of any, in a node that was not told which it speaks."""
    asks: int = 0
    """Of which family it asks for contacts; 0: of the one that the request goes over, which is all there is."""


PATIENCE = 2  # times `parallelism`: how many requests a patient search has in flight at its end


class Hop(NamedTuple):
    """A peer asked: `depth` 1 was known at the start, `closer` of the nodes it named were nearer than itself.

    `asked_s` counts from the start of the search; `named_by` is who named it first; `remark` says what came of it
    besides contacts, and `remark_s` when, where that was later than the answer.
    """

    contact: Contact
    depth: int
    rtt_s: float | None
    outcome: str
    closer: int
    asked_s: float = 0.0
    named_by: NodeId | None = None
    remark: str = ""
    remark_s: float | None = None


class LookupResult(NamedTuple):
    """The nearest nodes that answered, in exact order, and the way there."""

    contacts: list[Contact]
    hops: list[Hop]
    depth: int


class Search(ABC):
    """Base of all operations that run a lookup; call `start` once."""

    __slots__ = (
        "_count",
        "_deadline",
        "_excused",
        "_hedge",
        "_on_end",
        "_quiet_s",
        "_quiet_since",
        "began_at",
        "context",
        "ended",
        "lookup",
        "request",
        "target",
    )

    lookup: Lookup
    began_at: float
    _deadline: Timer
    _hedge: Timer | None
    _quiet_s: float
    _quiet_since: float
    _on_end: Callable[[float], None]

    def __init__(self, context: Context, target: bytes, request: Request, count: int) -> None:
        self.context = context
        self.target = number_of(target)
        self.request = request
        self.ended = False
        self._count = count
        self._excused = False
        self._hedge = None

    def start(self, now: float, on_end: Callable[[float], None]) -> None:
        """Begin; `on_end(now)` is called once, when the search needs nothing more."""
        context, config = self.context, self.context.config
        self._on_end = on_end
        self.began_at = now
        self._deadline = context.timers.at(now + config.lookup_timeout_s, self.end)
        self.lookup = Lookup(
            self.target,
            self.known(now),
            context.own_id,
            count=self._count,
            parallelism=self.parallelism(),
            parallelism_wide=self.parallelism_wide(),
            requests_max=config.lookup_requests_max,
            radius=self.wide_radius(),
            likely=self.likely_radius(),
            cost=context.rpc.timing.expected_rtt_s,
            cost_max=max(config.hedge_s_min, context.rpc.timing.usual_s),
            cost_again=context.rpc.timing.median_s,
        )
        self._quiet_s = context.rpc.timing.hedge_s
        self._quiet_since = now
        self.advance(now)
        self._listen_on()

    def advance(self, now: float) -> None:
        """Ask everybody who may be asked now; end when nothing is left to wait for."""
        if self.ended or self.satisfied():
            self.end(now)
            return
        lookup, rpc = self.lookup, self.context.rpc
        while (candidate := lookup.next()) is not None:
            candidate.asked_at = now
            if lookup.asks_alone:
                # After one hedge the next must not come sooner: where all are late, the network is busy.
                waited_s = self._quiet_s if len(lookup.asked) > 1 else 0.0
                self._quiet_s = max(waited_s, rpc.timing.patience_s(candidate.contact.node_id))
            if not rpc.ask(candidate.contact, self.request_for(candidate, now), self, now):
                lookup.slow(candidate)
        if lookup.finished:
            self.exhausted(now)

    def request_for(self, candidate: Candidate, now: float) -> Request:
        """Return what to ask a candidate."""
        return self.request

    def known(self, now: float) -> Sequence[Contact]:
        """Return whom to begin with."""
        return self.nearest_known(self.seed_count(), now)

    def nearest_known(self, count: int, now: float) -> list[Contact]:
        """Return the nearest in the table, without those that just failed if there are others."""
        known = self.context.table.nearest(self.target, count)
        return self.fit(known, now) or known

    def fit(self, contacts: list[Contact], now: float) -> list[Contact]:
        """Return those contacts that neither failed lately nor are of low standing."""
        contacts = self.context.rpc.timing.not_avoided(contacts, now)
        return self.context.standings.without_low(contacts, now)

    def seed_count(self) -> int:
        """Return how many of the nearest known contacts to begin with."""
        return self.context.config.bucket_size

    def parallelism(self) -> int:
        """Return how many requests may be in flight while the search comes nearer."""
        return self.context.config.parallelism

    def parallelism_wide(self) -> int:
        """Return how many requests may be in flight once the search is wide: all that are needed."""
        return self._count

    def wide_radius(self) -> int:
        """Return how near to the target a seed or an answer must be for the search to go wide."""
        return self.context.table.radius(self._count)

    def likely_radius(self) -> int:
        """Return how near to the target any single peer is likely to have all that is sought; 0 for nowhere."""
        return 0

    def satisfied(self) -> bool:
        """Tell whether the search may end before its lookup is finished."""
        return False

    def exhausted(self, now: float) -> None:
        """Note that the lookup is finished."""
        self.end(now)

    def end(self, now: float) -> None:
        """End the search and give its result; requests in flight run out by themselves."""
        if self.ended:
            return
        self.ended = True
        self._deadline.cancel()
        if self._hedge is not None:
            self._hedge.cancel()
        self.give(now)
        self._on_end(now)

    @abstractmethod
    def give(self, now: float) -> None:
        """Hand the result to whoever asked."""

    @abstractmethod
    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Read a reply to our request: the contacts it names, or None to dismiss its sender."""

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Feed an answer to the lookup."""
        candidate = self.lookup.find(pending.contact.node_id)
        if self.ended or candidate is None:
            return
        self._quiet_since = now
        if candidate.rtt_s is None:
            candidate.rtt_s = now - pending.sent_at
        if isinstance(reply, Nodes | Values | Stored):
            self.context.tokens.note(candidate.contact.node_id, reply.token, now)
        named = self.take(candidate, reply, now)
        if named is None:
            self.lookup.failed(candidate)
        else:
            named = self.fit(believable(named, candidate.contact, self.context.family), now)
            self.lookup.answered(candidate, named, self.wide_radius())
        self.advance(now)

    def slow(self, pending: Pending, now: float) -> None:
        """Ask somebody else meanwhile, and wait for the second try no longer than for the first."""
        candidate = self.lookup.find(pending.contact.node_id)
        if not self.ended and candidate is not None:
            self.lookup.slow(candidate)
            wait_s = self.context.rpc.timing.second_wait_s(pending.timing)
            self.context.timers.at(now + wait_s, lambda then: self._go_on_without(candidate, then))
            self.advance(now)

    def _go_on_without(self, candidate: Candidate, now: float) -> None:
        """Hold the result back no longer for one who is late; its request runs on, and an answer still counts."""
        if not self.ended and candidate.state is State.SLOW and self.lookup.anybody_answered:
            self.lookup.failed(candidate)
            self.advance(now)

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without a dead peer; who named only dead ones will hear of it."""
        candidate = self.lookup.find(pending.contact.node_id)
        if candidate is not None and self.context.rpc.heard_since(pending.sent_at):
            candidate.dead = True
            for teller in self.lookup.vain_tellers(candidate, self.context.config.vain_names_max):
                self.context.standings.blame(teller.contact.node_id, "contacts that are not there", now)
        if not self.ended and candidate is not None:
            self.lookup.failed(candidate)
            self.advance(now)

    def hops(self) -> list[Hop]:
        """Return the peers asked so far, in order."""
        return [
            Hop(
                candidate.contact,
                candidate.depth,
                candidate.rtt_s,
                candidate.state.value,
                candidate.closer,
                candidate.asked_at - self.began_at,
                candidate.named_by.contact.node_id if candidate.named_by is not None else None,
                *self.remark(candidate),
            )
            for candidate in self.lookup.asked
        ]

    def remark(self, candidate: Candidate) -> tuple[str, float | None]:
        """Return what came of asking a peer besides contacts, and when, counted from the start."""
        return "", None

    def _quiet(self, now: float) -> None:
        """Ask one more if nobody has answered for too long.

        Not yet if that is noticed twice as late as it should be: then it is this node that is busy, and asking more
        makes it busier. But it waits so once only, for whoever is silent may be dead all the same.
        """
        due = self._quiet_since + self._quiet_s
        if now >= due:
            self._quiet_since = now
            self._excused = now > due + self._quiet_s and not self._excused
            if not self._excused:
                self._ask_one_more(now)
        self._listen_on()

    def _ask_one_more(self, now: float) -> None:
        if not self.lookup.asks_alone:
            self._quiet_s *= 2
        longest = next((each for each in self.lookup.asked if each.state is State.WAITING), None)
        if longest is not None:
            self.context.rpc.counts.hedges += 1
            self.lookup.slow(longest)
            self.advance(now)

    def _listen_on(self) -> None:
        if not self.ended:
            self._hedge = self.context.timers.at(self._quiet_since + self._quiet_s, self._quiet)


class NodeSearch(Search):
    """Find the `count` nodes nearest to a target.

    A patient search goes wide only when nobody nearer is known, and then not all at once: for upkeep, which nobody
    waits for. It takes half as long again and asks a third fewer peers. Others go on where answers look like those of
    colluders (doubt.py), and then find more than `count`.
    """

    __slots__ = ("_done", "_patient", "_want")

    def __init__(
        self,
        context: Context,
        target: bytes,
        count: int,
        done: Callable[[LookupResult, float], None],
        *,
        patient: bool = False,
    ) -> None:
        # Some more than are sought, for those of them that are gone; more than that only make the answers long.
        self._want = count + context.config.parallelism
        super().__init__(context, target, FindNode(target, self._want, context.asks), count)
        self._done = done
        self._patient = patient

    def parallelism(self) -> int:
        """Return how many requests may be in flight while the search comes nearer: no more than are sought."""
        parallelism = self.context.config.parallelism
        return min(parallelism, self._count) if self._patient else parallelism

    def parallelism_wide(self) -> int:
        """Return how many requests may be in flight once the search is wide."""
        return min(self._count, PATIENCE * self.context.config.parallelism) if self._patient else self._count

    def wide_radius(self) -> int:
        """Return how near to the target an answer must be for the search to go wide."""
        return 0 if self._patient else super().wide_radius()

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Read the contacts."""
        return reply.contacts if isinstance(reply, Nodes) else None

    def exhausted(self, now: float) -> None:
        """End, or go on beyond those who are doubted; upkeep, which comes again, does not look."""
        lookup, most = self.lookup, self._count * self.context.config.wide_times_max
        if not self._patient:
            lookup.count = min(lookup.count + missing(lookup, self._count, self._want), most)
        if lookup.finished:
            self.end(now)
        else:
            self.advance(now)

    def give(self, now: float) -> None:
        """Hand over the nearest that answered."""
        nearest = self.lookup.nearest_answered()
        depth = max((candidate.depth for candidate in nearest), default=0)
        self._done(LookupResult([candidate.contact for candidate in nearest], self.hops(), depth), now)
