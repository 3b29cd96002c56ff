"""One iterative search for the nodes nearest to a target, as a pure state machine: no bytes, no clock.

The owner asks whom `next()` names until it returns None, reports each outcome, and looks at `finished`.

    state     entered                         means
    UNASKED   heard of                        may be asked
    WAITING   `next()` named it               holds one of the parallel slots
    SLOW      its time-out passed             an answer is still welcome, the slot is free (that is the hedge)
    ANSWERED  its answer came, however late
    FAILED    it gave up or was given up      leaves the search, an answer is still welcome

Narrow, at most `parallelism` candidates are WAITING, wide `parallelism_wide`. The search goes wide when the nearest
candidate has answered (nobody nearer is known), or when an answer came from within `radius` of the target, where by
estimate the nearest nodes lie, or at once when a seed lies there. It is finished when the `count` nearest candidates
that did not fail have all answered; `count` may grow while it runs. The enlisted are asked too, whatever their rank.

Where any of several will do (whoever holds a value), a search may begin with one: of the candidates within `likely`
the one with the lowest `cost` is asked alone, unless it is over `cost_max`; when it is late the next one too, and when
one disappoints the search goes wide. The farther of them are the likelier to disappoint, and `cost_again` is what that
costs.

What it deliberately does not do: disjoint paths, and any judgement about the answers (doubt.py has that).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from math import inf
from operator import attrgetter

from ..wire.contact import Contact
from ..wire.identity import NodeId


class State(Enum):
    """Where a candidate stands."""

    UNASKED = "unasked"
    WAITING = "waiting"
    SLOW = "slow"
    ANSWERED = "answered"
    FAILED = "failed"


_UNASKED, _WAITING, _SLOW, _ANSWERED, _FAILED = State
_DISTANCE = attrgetter("distance")


def _nothing(node_id: NodeId) -> float:
    return 0.0


class Candidate:
    """A node of the search; `closer` counts the nodes it named that are nearer to the target than itself.

    `named_by` named it first, None when it was known at the start; `named` is whom it named itself. Whoever asks sets
    `asked_at`, and `dead` when a candidate did not answer after the last try, long after the search gave it up.
    """

    __slots__ = (
        "asked_at",
        "closer",
        "contact",
        "dead",
        "depth",
        "distance",
        "named",
        "named_by",
        "rtt_s",
        "state",
    )

    def __init__(
        self, contact: Contact, distance: int, depth: int, named_by: Candidate | None = None
    ) -> None:
        self.contact = contact
        self.distance = distance
        self.depth = depth
        self.state = _UNASKED
        self.closer = 0
        self.rtt_s: float | None = None
        self.asked_at = 0.0
        self.named_by = named_by
        self.dead = False
        self.named: Sequence[Contact] = ()


class Lookup:
    """A search for the `count` nodes nearest to `target` that starts from `seeds`; `own_id` is never asked."""

    __slots__ = (
        "_by_id",
        "_own_id",
        "asked",
        "candidates",
        "cost",
        "cost_again",
        "cost_max",
        "count",
        "enlisted",
        "likely",
        "parallelism",
        "parallelism_wide",
        "requests_max",
        "target",
        "waiting",
        "wide",
    )

    def __init__(
        self,
        target: int,
        seeds: Iterable[Contact],
        own_id: NodeId,
        *,
        count: int,
        parallelism: int,
        parallelism_wide: int,
        requests_max: int,
        radius: int = 0,
        likely: int = 0,
        cost: Callable[[NodeId], float] = _nothing,
        cost_max: float = inf,
        cost_again: float = 0.0,
    ) -> None:
        self.target = target
        self.likely = likely
        self.cost = cost
        self.cost_max = cost_max
        self.cost_again = cost_again
        self.count = count
        self.parallelism = parallelism
        self.parallelism_wide = parallelism_wide
        self.requests_max = requests_max
        self.waiting = 0
        self.asked: list[Candidate] = []
        self.candidates: list[Candidate] = []
        self.enlisted: list[Candidate] = []
        self._own_id = own_id
        self._by_id: dict[NodeId, Candidate] = {}
        self._add(seeds, depth=1)
        self.wide = bool(self.candidates) and self.candidates[0].distance <= radius

    def add_seeds(self, seeds: Iterable[Contact]) -> None:
        """Add contacts that were known without asking."""
        self._add(seeds, depth=1)

    def enlist(self, contacts: Iterable[Contact]) -> None:
        """Have contacts asked that others are nearer than."""
        contacts = list(contacts)
        self._add(contacts, depth=1)
        for contact in contacts:
            candidate = self._by_id.get(contact.node_id)
            if candidate is not None and candidate not in self.enlisted:
                self.enlisted.append(candidate)

    def find(self, node_id: NodeId) -> Candidate | None:
        """Return the candidate of an id."""
        return self._by_id.get(node_id)

    def next(self) -> Candidate | None:
        """Name a candidate to ask now; None when all that may be asked are."""
        if self.waiting >= (self.parallelism_wide if self.wide else self.parallelism):
            return None
        for candidate in self.enlisted:
            if candidate.state is _UNASKED:
                return self._ask(candidate)
        if len(self.asked) >= self.requests_max:
            return None
        if self.asks_alone:
            return self._cheapest()
        ranks = 0
        for candidate in self.candidates:
            state = candidate.state
            if state is _UNASKED:
                return self._ask(candidate)
            if state is _ANSWERED or state is _WAITING:
                ranks += 1
                if ranks == self.count:
                    return None
        return None

    def answered(self, candidate: Candidate, contacts: Sequence[Contact], radius: int = 0) -> None:
        """Take an answer; a second one of the same candidate changes nothing."""
        if candidate.state is _ANSWERED:
            return
        self._leave(candidate, _ANSWERED)
        candidate.named = contacts
        candidate.closer = self._add(contacts, candidate.depth + 1, candidate.distance, candidate)
        if not self.wide:
            self.wide = candidate.distance <= radius or self._nearest_has_answered()

    def slow(self, candidate: Candidate) -> None:
        """Free the slot of a candidate that is late; no effect unless it is WAITING."""
        if candidate.state is _WAITING:
            self._leave(candidate, _SLOW)

    def failed(self, candidate: Candidate) -> None:
        """Give a candidate up; no effect once it answered."""
        if candidate.state is not _ANSWERED:
            self._leave(candidate, _FAILED)

    @property
    def finished(self) -> bool:
        """Whether no answer still to come could change the result."""
        ranks = 0
        if any(candidate.state not in (_ANSWERED, _FAILED) for candidate in self.enlisted):
            return False
        exhausted = len(self.asked) >= self.requests_max
        for candidate in self.candidates:
            state = candidate.state
            if state is _ANSWERED:
                ranks += 1
                if ranks == self.count:
                    return True
            elif state is not _FAILED and not (exhausted and state is _UNASKED):
                return False
        return True

    @property
    def asks_alone(self) -> bool:
        """Whether one of those who are likely to do is asked before any others are."""
        return bool(self.likely) and bool(self.candidates) and self.candidates[0].distance <= self.likely

    @property
    def anybody_answered(self) -> bool:
        """Whether the search has heard from anybody at all."""
        return any(candidate.state is _ANSWERED for candidate in self.asked)

    def nearest_answered(self) -> list[Candidate]:
        """Return the `count` nearest candidates that answered, in order."""
        return [candidate for candidate in self.candidates if candidate.state is _ANSWERED][: self.count]

    def vain_tellers(self, dead: Candidate, count: int) -> list[Candidate]:
        """Return who named a dead candidate if it named `count` dead ones and none that is there; each only once."""
        tellers = [each for each in self.asked if dead.contact in each.named]
        vain = [teller for teller in tellers if self._named_in_vain(teller, count)]
        for teller in vain:
            teller.named = ()
        return vain

    def in_reach(self) -> list[Candidate]:
        """Return who answered of the `count` nearest candidates that did not fail, in order, and of the enlisted."""
        alive = [candidate for candidate in self.candidates if candidate.state is not _FAILED][: self.count]
        return [candidate for candidate in (*alive, *self.enlisted) if candidate.state is _ANSWERED]

    def _add(
        self, contacts: Iterable[Contact], depth: int, nearer_than: int = 0, teller: Candidate | None = None
    ) -> int:
        """Add unknown contacts; return how many of all were nearer than `nearer_than`."""
        closer = 0
        fresh = False
        by_id, target = self._by_id, self.target
        for contact in contacts:
            node_id = contact.node_id
            candidate = by_id.get(node_id)
            if candidate is None:
                if node_id == self._own_id:
                    continue
                candidate = Candidate(contact, contact.number ^ target, depth, teller)
                by_id[node_id] = candidate
                self.candidates.append(candidate)
                fresh = True
            closer += candidate.distance < nearer_than
        if fresh:
            self.candidates.sort(key=_DISTANCE)
        return closer

    def _cheapest(self) -> Candidate | None:
        """Name the best of those who are likely to do, unless one is waited for."""
        best, least = None, inf
        for rank, candidate in enumerate(self.candidates):
            if candidate.distance > self.likely:
                break
            if candidate.state is _WAITING:
                return None
            if candidate.state is _UNASKED and (cost := self._cost_in_all(candidate, rank)) < least:
                best, least = candidate, cost
        if best is not None and (self.asked or self.cost(best.contact.node_id) <= self.cost_max):
            return self._ask(best)
        self.likely = 0
        return self.next()

    def _cost_in_all(self, candidate: Candidate, rank: int) -> float:
        """Return what it costs to ask a candidate of a rank, and others where it has nothing.

        Of eight replicas among 50 nodes, of whom 41 are known: nobody of the first four lacks what is sought, of the
        others 10, 26, 27 and 65 %.
        """
        return self.cost(candidate.contact.node_id) + self.cost_again * (rank / self.parallelism_wide) ** 3

    def _ask(self, candidate: Candidate) -> Candidate:
        candidate.state = _WAITING
        self.waiting += 1
        self.asked.append(candidate)
        return candidate

    def _leave(self, candidate: Candidate, state: State) -> None:
        if candidate.state is _WAITING:
            self.waiting -= 1
        candidate.state = state
        if candidate.distance <= self.likely and state is not _SLOW:
            self.likely, self.wide = 0, True

    def _named_in_vain(self, teller: Candidate, count: int) -> bool:
        named = [self._by_id[contact.node_id] for contact in teller.named if contact.node_id in self._by_id]
        if any(each.state is _ANSWERED for each in named):
            return False
        return sum(each.dead for each in named) >= count

    def _nearest_has_answered(self) -> bool:
        for candidate in self.candidates:
            if candidate.state is not _SLOW and candidate.state is not _FAILED:
                return candidate.state is _ANSWERED
        return True
