"""Publications that wait to be stored, and who goes with whom.

A publication alone in its part of the key space is put like any record. Where others wait, or will be due soon, one
region is stored for all of them. Those due soon are within the jitter of the renewal, so what was once renewed together
is renewed together again. Only so many are under way at a time; the rest waits here, not in the line of lookups that
people wait for.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from ..wire.errors import QueueFull
from .put import PutResult, StoreSearch
from .region import Region
from .region_store import Errand, RegionStore
from .search import Context, Search


class Renewable(Protocol):
    """A publication as the queue sees it."""

    def soon_due(self, now: float) -> bool:
        """Tell whether it may be renewed now, a little early."""
        ...

    def errand(self, now: float) -> Errand:
        """Sign the record anew; to be stored at once."""
        ...


class RegionQueue:
    """All publications of a node by key, and those of them that wait."""

    __slots__ = ("_by_key", "_context", "_keys", "_run", "_running", "_waiting")

    def __init__(self, context: Context, run: Callable[[Search, float], None]) -> None:
        self._context = context
        self._run = run
        self._running = 0
        self._keys: list[int] = []
        self._by_key: dict[int, dict[Renewable, None]] = {}
        self._waiting: dict[Renewable, Errand] = {}

    def add(self, publication: Renewable, errand: Errand, now: float) -> None:
        """Store the record of a publication as soon as there is a turn for it."""
        if errand.key not in self._by_key:
            insort(self._keys, errand.key)
        self._by_key.setdefault(errand.key, {})[publication] = None
        self._waiting[publication] = errand
        self._start(now)

    def remove(self, publication: Renewable, key: int) -> None:
        """Forget a publication."""
        self._waiting.pop(publication, None)
        sharing = self._by_key.get(key, {})
        sharing.pop(publication, None)
        if not sharing and key in self._by_key:
            del self._by_key[key]
            del self._keys[bisect_left(self._keys, key)]

    def _start(self, now: float) -> None:
        while self._waiting and self._running < self._context.config.publishing_max:
            publication = next(iter(self._waiting))
            errand = self._waiting.pop(publication)
            try:
                self._run(self._search(errand, now), now)
            except QueueFull:
                self._waiting[publication] = errand
                self._context.timers.at(now + self._context.config.republish_retry_s, self._start)
                return

    def _search(self, errand: Errand, now: float) -> Search:
        self._running += 1
        config = self._context.config
        radius = self._context.table.radius(config.bucket_size)
        if any(self._is_ready(each, now) for each in self._near(errand.key, radius)):
            return RegionStore(self._context, errand, self._claim, self._store_apart, self._ended)
        return self._search_alone(errand)

    def _search_alone(self, errand: Errand) -> Search:
        everybody, put = self._context.config.value_replicas + 1, partial(self._put, errand)
        return StoreSearch(self._context, errand.record, everybody, put, widens=errand.widens)

    def _store_apart(self, errand: Errand, now: float) -> None:
        """Store a record that cannot go with others; one for which there is no turn counts as stored nowhere."""
        self._running += 1
        try:
            self._run(self._search_alone(errand), now)
        except QueueFull:
            self._put(errand, PutResult([], 0, []), now)

    def _claim(self, region: Region, now: float) -> list[Errand]:
        """Take what a region covers of what waits or will be due soon."""
        claimed: list[Errand] = []
        for publication, key in list(self._near_with_keys(region.target, region.radius)):
            if len(claimed) >= self._context.config.region_records_max:
                break
            if self._is_ready(publication, now) and region.covers(key):
                waiting = publication in self._waiting
                claimed.append(self._waiting.pop(publication) if waiting else publication.errand(now))
        return claimed

    def _is_ready(self, publication: Renewable, now: float) -> bool:
        return publication in self._waiting or publication.soon_due(now)

    def _near(self, target: int, radius: int) -> Iterator[Renewable]:
        return (publication for publication, _ in self._near_with_keys(target, radius))

    def _near_with_keys(self, target: int, radius: int) -> Iterator[tuple[Renewable, int]]:
        """Yield the publications within a distance of a target: they share a prefix with it, so they lie together."""
        bits = radius.bit_length()
        first = target >> bits << bits
        begin, end = bisect_left(self._keys, first), bisect_left(self._keys, first + (1 << bits))
        for key in self._keys[begin:end]:
            if key ^ target <= radius:
                for publication in self._by_key[key]:
                    yield publication, key

    def _put(self, errand: Errand, result: PutResult, now: float) -> None:
        self._ended(now)
        errand.ended(result, now)

    def _ended(self, now: float) -> None:
        self._running -= 1
        self._context.timers.at(now, self._start)
