"""Finding where to listen to a key: at some of those where puts store its records.

    in the region of the key stand    is listened at
    as many as may be doubted         the nearest `listen_holders`, and one more for each that is (doubt.py)
    more                              these, and all of the region
    a crowd                           these, and all that are found around the crowd (crowd.py)

Puts store in all of a region that has more than the replicas. Listening begins to do so later, for each holder costs a
push at each change, and only a region full of sybils is worth it: they take what is stored and tell nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..wire.contact import Contact
from .crowd import CROWD_NODES, KeySearch
from .doubt import missing
from .lookup import Candidate, State
from .messages import FindNode, Nodes, Reply
from .search import Context, LookupResult


class ListenSearch(KeySearch):
    """Find whom to register at: `listen_holders`, or up to `listen_holders_max` where there is a crowd."""

    __slots__ = ("_done",)

    def __init__(self, context: Context, key: bytes, done: Callable[[LookupResult, float], None]) -> None:
        # As many as make a crowd, though fewer are sought: else it could hide by naming few.
        request = FindNode(key, CROWD_NODES + context.config.parallelism, context.asks)
        super().__init__(context, key, request, context.config.listen_holders)
        self._done = done

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Read the contacts."""
        return reply.contacts if isinstance(reply, Nodes) else None

    def exhausted(self, now: float) -> None:
        """End, or go on to those who are needed beside the nearest."""
        if self.goes_around:
            return
        self._widen()
        if self.lookup.finished:
            self.end(now)
        else:
            self.advance(now)

    def give(self, now: float) -> None:
        """Hand over the nearest that answered, those around a crowd, and those of the region, in this order."""
        lookup = self.lookup
        beside = [candidate for candidate in lookup.enlisted if candidate.state is State.ANSWERED]
        found = list(dict.fromkeys((*lookup.nearest_answered(), *beside)))
        contacts = [candidate.contact for candidate in found[: self.context.config.listen_holders_max]]
        depth = max((candidate.depth for candidate in found), default=0)
        self._done(LookupResult(contacts, self.hops(), depth), now)

    def _widen(self) -> None:
        lookup, config, region = self.lookup, self.context.config, self.region()
        want, most = self._count + config.parallelism, self._count * config.wide_times_max
        if len(region) > most:
            lookup.enlist(region)
        else:
            lookup.count = min(lookup.count + missing(lookup, self._count, want, want), most)
