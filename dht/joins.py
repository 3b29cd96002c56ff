"""A dual-stack node's way into the DHT of each address family.

Each is joined through the contacts of its own family. A family without any is joined as soon as an answer in the other
names some; what is asked for while joining are contacts of both. Where a family stays silent it holds nobody up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ..wire.contact import Contact
from .family import Family
from .gathering import merge_nodes
from .join import Join, Run
from .search import LookupResult


class Joins:
    """One join in each family; `done(result)` is told of our neighbours in all."""

    __slots__ = ("_begun", "_done", "_families", "_results", "_run", "_told")

    def __init__(self, families: Sequence[Family], run: Run, done: Callable[[LookupResult], None]) -> None:
        self._families = families
        self._run = run
        self._done = done
        self._begun: list[Family] = []
        self._results: list[LookupResult] = []
        self._told = False

    def start(self, through: Iterable[Contact], now: float) -> None:
        """Join wherever anybody is known."""
        contacts = list(through)
        chosen = [(family, _of(family, contacts)) for family in self._families]
        known = [(family, own) for family, own in chosen if own or len(family.context.table)]
        self._begun += [family for family, _ in known]
        for family, own in known:
            self._join(family, own, now)
        if not known:
            self._done(LookupResult([], [], 0))

    def _join(self, family: Family, through: Sequence[Contact], now: float) -> None:
        done = partial(self._ended, family)
        Join(family.context, self._run, family.maintenance.short_targets, done, self._named).start(
            through, now
        )

    def _named(self, contacts: Sequence[Contact], now: float) -> None:
        """Join a family that nobody of was known."""
        for family in self._families:
            own = [] if family in self._begun else _of(family, contacts)
            if own:
                self._begun.append(family)
                self._join(family, own, now)

    def _ended(self, family: Family, result: LookupResult) -> None:
        self._results.append(result)
        all_over = len(self._results) == len(self._begun)
        contacts = [contact for each in self._results for contact in each.contacts]
        # Of a family in which nobody has answered by now nobody may ever.
        others_silent = bool(contacts) and not any(
            len(other.context.table) for other in self._begun if other is not family
        )
        if not self._told and (all_over or others_silent):
            self._told = True
            context = family.context
            self._done(merge_nodes(context.own_id.number, len(contacts), self._results))


def _of(family: Family, contacts: Iterable[Contact]) -> list[Contact]:
    return [contact for contact in contacts if contact.family == family.context.family]
