"""One result of an operation that runs in the DHT of each address family.

A lookup has the nearest of both. A get is over when either has found what was sought, a put when both have their
quorum: so a record lies at the nearest nodes of each family that its writer speaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from ..wire.identity import PublicKey
from .get import Found, GetResult
from .messages import Outcome
from .put import PutResult
from .search import LookupResult

T = TypeVar("T")
Take = Callable[[T, float], None]


def gather(
    parts: int,
    merge: Callable[[Sequence[T]], T],
    done: Take[T],
    enough: Callable[[T], bool] = lambda result: False,
) -> Take[T]:
    """Return what takes the results of so many searches, and hands over one: at the end, or at one that is enough."""
    return done if parts == 1 else _Gathering(parts, merge, done, enough).take


def gather_nodes(parts: int, target: int, count: int, done: Take[LookupResult]) -> Take[LookupResult]:
    """Gather the nearest nodes."""
    return gather(parts, partial(merge_nodes, target, count), done)


def gather_values(parts: int, owner: PublicKey | None, want: int, done: Take[GetResult]) -> Take[GetResult]:
    """Gather records; the first one found ends it where no more is wanted."""

    def enough(result: GetResult) -> bool:
        return (
            bool(result.records) if owner is None and want == 1 else owner is not None and bool(result.found)
        )

    return gather(parts, merge_values, done, enough)


def gather_holders(parts: int, done: Take[PutResult]) -> Take[PutResult]:
    """Gather those that hold a record."""
    return gather(parts, merge_holders, done)


class _Gathering(Generic[T]):
    __slots__ = ("_done", "_enough", "_merge", "_parts", "_results")

    def __init__(
        self, parts: int, merge: Callable[[Sequence[T]], T], done: Take[T], enough: Callable[[T], bool]
    ) -> None:
        self._parts = parts
        self._merge = merge
        self._done = done
        self._enough = enough
        self._results: list[T] = []

    def take(self, result: T, now: float) -> None:
        """Take the result of one search; those that come after the end are of no use."""
        if not self._parts:
            return
        self._results.append(result)
        if len(self._results) == self._parts or self._enough(result):
            self._parts = 0
            self._done(self._merge(self._results), now)


def merge_nodes(target: int, count: int, results: Sequence[LookupResult]) -> LookupResult:
    """Return the nearest of all, as many as were sought or as one found; a node of both families is named once."""
    count = max(count, *(len(result.contacts) for result in results))
    by_id = {contact.node_id: contact for result in reversed(results) for contact in result.contacts}
    nearest = sorted(by_id.values(), key=lambda contact: contact.number ^ target)[:count]
    hops = [hop for result in results for hop in result.hops]
    return LookupResult(nearest, hops, max(result.depth for result in results))


def merge_values(results: Sequence[GetResult]) -> GetResult:
    """Return the latest record of each owner; the first result that has a source names it."""
    found: dict[PublicKey, Found] = {}
    for each in (each for result in results for each in result.found):
        known = found.get(each.record.owner)
        if known is None or each.record.sequence > known.record.sequence:
            found[each.record.owner] = each
    first = next((result for result in results if result.source is not None), results[0])
    live = [each.record for each in found.values() if each.record.value]
    trace = [hop for result in results for hop in result.trace]
    total = max(result.total for result in results)
    return GetResult(live, first.source, first.hops, trace, list(found.values()), total)


def merge_holders(results: Sequence[PutResult]) -> PutResult:
    """Return who holds the record in any family."""
    holders = dict.fromkeys(node_id for result in results for node_id in result.stored_on)
    newest = max(result.newest_sequence for result in results)
    refused: Counter[Outcome] = Counter()
    for result in results:
        refused.update(dict(result.refused))
    hops = [hop for result in results for hop in result.hops]
    return PutResult(list(holders), newest, hops, tuple(refused.items()))
