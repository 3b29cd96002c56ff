"""Joining: a lookup of our own id through whoever is known, then one in each far bucket that is short.

The first question of the lookup is also the first sign of life, so that joining takes no round trip for greetings.
Until somebody has answered everybody known is asked at once; from then on there is time, and few are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..wire.contact import Contact
from ..wire.endpoint import IPV4, IPV6
from .lookup import Candidate
from .messages import FindNode, Nodes, Reply
from .scope import believable
from .search import Context, LookupResult, NodeSearch, Search

Run = Callable[[Search, float], None]
OnOthers = Callable[[Sequence[Contact], float], None]
"""Told of contacts of any address family that answers name: for who would like to know those of another."""


class JoinSearch(NodeSearch):
    """Look up our own id through the table and through contacts that nobody has met yet."""

    __slots__ = ("_on_others", "_through")

    def __init__(
        self,
        context: Context,
        through: Iterable[Contact],
        count: int,
        done: Callable[[LookupResult, float], None],
        on_others: OnOthers | None = None,
    ) -> None:
        super().__init__(context, context.own_id, count, done, patient=True)
        self._through = through
        self._on_others = on_others
        if on_others is not None:
            self.request = FindNode(context.own_id, count + context.config.parallelism, IPV4 | IPV6)

    def parallelism(self) -> int:
        """Return how many requests may be in flight: as many as a bucket holds until somebody answers."""
        return self.context.config.bucket_size

    def known(self, now: float) -> Sequence[Contact]:
        """Return those of the table, and the others."""
        return [*super().known(now), *self._through]

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Read the contacts; this is a search like others from the first answer on."""
        self.lookup.parallelism = super().parallelism()
        if self._on_others is not None and isinstance(reply, Nodes):
            self._on_others(believable(reply.contacts, candidate.contact), now)
        return super().take(candidate, reply, now)


class Join:
    """One node's way into the network; `done(result)` is told of our own neighbours when all is over."""

    __slots__ = ("_done", "_left", "_on_others", "_run", "_short_targets", "context")

    def __init__(
        self,
        context: Context,
        run: Run,
        short_targets: Callable[[], list[bytes]],
        done: Callable[[LookupResult], None],
        on_others: OnOthers | None = None,
    ) -> None:
        self.context = context
        self._on_others = on_others
        self._run = run
        self._short_targets = short_targets
        self._done = done
        self._left = 0

    def start(self, through: Iterable[Contact], now: float) -> None:
        """Look up our own id."""
        config = self.context.config
        count = min(config.join_count, config.bucket_size)
        self._run(JoinSearch(self.context, through, count, self._fill_far, self._on_others), now)

    def _fill_far(self, result: LookupResult, now: float) -> None:
        config = self.context.config
        targets = self._short_targets() if config.fill_far_at_join else []
        self._left = len(targets)

        def filled(_: LookupResult, __: float) -> None:
            self._left -= 1
            if not self._left:
                self._done(result)

        for target in targets:
            self._run(NodeSearch(self.context, target, config.refresh_count, filled, patient=True), now)
        if not targets:
            self._done(result)
