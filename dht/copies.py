"""Copies of hot records on the way to their holders, so that a key that everybody asks for is no burden to eight nodes.

A node that is asked again and again for a record that it does not have fetches it, and answers with it for a while. A
copy lives for the rest of its record's life, halved for each bit by which this node is farther from the key than its
holders, and never for longer than `copy_life_s_max`: the copies farthest away, where most of those who ask pass, are
the first to end (after the caching of the Kademlia paper, section 2.3). That is how long a newer record may be hidden.

Copies are no part of the store: they are neither handed over nor published nor listened to, and nobody who may be
among the holders makes one. They are made of what holders said, never of copies. They answer only who wants one
record; all providers of a capability are known to holders alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ldexp
from typing import TypeAlias

from ..wire.identity import PublicKey
from .distance import number_of
from .get import Found, GetResult, ValueSearch
from .messages import COPIES_WANT_MAX, FindValue
from .search import Context, Search
from .store import Held

What: TypeAlias = tuple[bytes, bytes]
"""Key, owner or nothing."""


class PathCopies:
    """The copies of one node, the least lately used first, and what it is asked for in vain."""

    __slots__ = ("_asked", "_context", "_copies", "_fetch", "_fetched", "_window_ends_at")

    def __init__(self, context: Context, fetch: Callable[[Search, float], None]) -> None:
        self._context = context
        self._fetch = fetch
        self._copies: dict[What, Held] = {}
        self._asked: dict[What, int] = {}
        self._fetched = 0
        self._window_ends_at = float("-inf")

    def __len__(self) -> int:
        return len(self._copies)

    @property
    def asked_keys(self) -> int:
        """How many records were asked for in vain in this window."""
        return len(self._asked)

    def find(self, request: FindValue, now: float) -> list[Held]:
        """Return the copy that answers a request, or nothing and note that it would have."""
        if request.want > COPIES_WANT_MAX or request.offset:
            return []
        what = request.key, request.owner
        copy = self._copies.pop(what, None)
        if copy is not None and now < copy.expires_at:
            self._copies[what] = copy
            return [copy]
        if self._becomes_hot(what, now) and self._bits_beyond(request.key):
            self._fetched += 1
            # Not at once: the answer to whoever asked comes first.
            self._context.timers.at(now, partial(self._begin, what))
        return []

    def _becomes_hot(self, what: What, now: float) -> bool:
        """Count a request in vain; tell whether it is the one that makes its record hot, and that may be fetched."""
        config = self._context.config
        if now >= self._window_ends_at:
            self._asked, self._fetched = {}, 0
            self._window_ends_at = now + config.copy_window_s
        asked = self._asked.get(what, 0) + 1
        if asked == 1 and len(self._asked) >= config.copy_asked_keys_max:
            return False
        self._asked[what] = asked
        return asked == config.copy_asked_min and self._fetched < config.copy_fetches_max

    def _begin(self, what: What, now: float) -> None:
        key, owner = what
        of_owner = PublicKey(owner) if owner else None
        done = partial(self._take, what)
        self._fetch(ValueSearch(self._context, key, of_owner, 1, done, copies=False), now)

    def _take(self, what: What, result: GetResult, now: float) -> None:
        found = next((each for each in result.found if each.record.value), None)
        bits = self._bits_beyond(what[0])
        if found is None or not bits:
            return
        self._asked.pop(what, None)  # it is hot again when the copy has ended
        expires_at = now + self._life_s(found, bits, now)
        self._copies.pop(what, None)
        self._copies[what] = Held(found.record, found.born_at, expires_at, 0)
        if len(self._copies) > self._context.config.copies_max:
            del self._copies[next(iter(self._copies))]

    def _life_s(self, found: Found, bits: int, now: float) -> float:
        config = self._context.config
        rest_s = found.born_at + min(found.record.ttl_s, config.record_ttl_s_max) - now
        return min(config.copy_life_s_max, ldexp(rest_s, -bits))

    def _bits_beyond(self, key: bytes) -> int:
        """Return by how many bits we are farther from a key than its holders are expected to be; 0 if we may be one."""
        context = self._context
        radius = context.table.radius(context.config.value_replicas)
        distance = number_of(key) ^ number_of(context.own_id)
        return max(0, distance.bit_length() - radius.bit_length())
