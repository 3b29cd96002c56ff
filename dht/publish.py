"""Keeping own records alive: each is put again, newly signed, when two thirds of its life are over.

Only a higher sequence prolongs a life, so every publication takes the next one. A node that forgot its last sequence
in a restart learns it from the holders, who refuse lower ones and name theirs.
"""

from __future__ import annotations

from collections.abc import Callable

from ..wire.record import Record
from .put import PutResult, StoreSearch
from .search import Context
from .timers import Timer

JITTER = 0.1  # part of the interval, so that records published together do not stay together


class Publication:
    """One record kept alive until cancelled; the handle that `Dht.publish` returns.

    `record_of(sequence)` signs the record anew. `result` tells where the last publication was stored.
    """

    __slots__ = (
        "_again",
        "_cancelled",
        "_context",
        "_putting",
        "_record_of",
        "_retry_s",
        "_run",
        "_sequence",
        "_timer",
        "result",
    )

    def __init__(
        self,
        context: Context,
        record_of: Callable[[int], Record],
        run: Callable[[StoreSearch, float], None],
    ) -> None:
        self.result: PutResult | None = None
        self._context = context
        self._record_of = record_of
        self._run = run
        self._sequence = 0
        self._retry_s = context.config.republish_retry_s
        self._timer: Timer | None = None
        self._putting = False
        self._again = False
        self._cancelled = False

    def renew(self, now: float) -> None:
        """Publish now, because of the record's age or because what it says has changed."""
        if self._cancelled:
            return
        if self._putting:
            self._again = True
            return
        self._disarm()
        self._putting = True
        self._sequence += 1
        record = self._record_of(self._sequence)
        everybody = self._context.config.value_replicas + 1
        done = lambda result, then: self._settled(record, result, then)  # noqa: E731
        self._run(StoreSearch(self._context, record, everybody, done), now)

    def cancel(self) -> None:
        """Let the record die at the end of its life."""
        self._cancelled = True
        self._disarm()

    def _settled(self, record: Record, result: PutResult, now: float) -> None:
        self._putting = False
        self.result = result
        self._sequence = max(self._sequence, result.newest_sequence)
        if self._again:
            self._again = False
            self.renew(now)
        elif not self._cancelled:
            self._arm(now + self._wait_s(record, result))

    def _wait_s(self, record: Record, result: PutResult) -> float:
        """Return the time to the next publication: soon after a failure, at once with a sequence just learnt."""
        config = self._context.config
        elsewhere = any(node_id != self._context.own_id for node_id in result.stored_on)
        outdated = result.newest_sequence >= record.sequence
        if elsewhere and not outdated:
            self._retry_s = config.republish_retry_s
            return record.ttl_s * config.republish_fraction * (1 - JITTER * self._context.random.random())
        wait_s = 0.0 if outdated and self._retry_s == config.republish_retry_s else self._retry_s
        self._retry_s = min(2 * self._retry_s, max(config.republish_retry_s, record.ttl_s / 10))
        return wait_s

    def _arm(self, when: float) -> None:
        self._timer = self._context.timers.at(when, self.renew)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
