"""Keeping own records alive: each is put again, newly signed, when two thirds of its life are over.

Only a higher sequence prolongs a life, so every publication takes the next one. A node that forgot its last sequence
in a restart learns it from the holders, who refuse lower ones and name theirs. How records get to their holders, many
with one lookup where they lie together, is the queue's affair.
"""

from __future__ import annotations

from collections.abc import Callable

from ..wire.record import Record
from .distance import number_of
from .put import PutResult
from .region_pair import Queue
from .region_store import Errand
from .search import Context
from .timers import Timer

JITTER = 0.1  # part of the interval, so that records published together do not stay together


class Publication:
    """One record kept alive until cancelled; the handle that `Dht.publish` returns.

    `record_of(sequence)` signs the record anew. `result` tells where the last publication was stored. Who gives
    `on_settled(result, now)` cares for what found no room: no holders are sought farther away, and where it returns
    True the next publication has its time.
    """

    __slots__ = (
        "_again",
        "_cancelled",
        "_changed",
        "_context",
        "_due_at",
        "_early_s",
        "_key",
        "_on_settled",
        "_published_at",
        "_putting",
        "_queue",
        "_record_of",
        "_retry_s",
        "_sequence",
        "_timer",
        "result",
    )

    def __init__(
        self,
        context: Context,
        record_of: Callable[[int], Record],
        queue: Queue,
        on_settled: Callable[[PutResult, float], bool] | None = None,
    ) -> None:
        self.result: PutResult | None = None
        self._context = context
        self._record_of = record_of
        self._queue = queue
        self._on_settled = on_settled
        self._key: int | None = None
        self._due_at = float("inf")
        self._early_s = 0.0
        self._sequence = 0
        self._retry_s = context.config.republish_retry_s
        self._timer: Timer | None = None
        self._putting = False
        self._again = False
        self._changed = False
        self._published_at = float("-inf")
        self._cancelled = False

    def renew(self, now: float) -> None:
        """Publish now, because of the record's age or because what it says has changed."""
        if self._cancelled:
            return
        if self._putting:
            self._again = True
            return
        self._queue.add(self, self.errand(now), now)

    def resume(self, record: Record, result: PutResult, now: float) -> None:
        """Go on from a record that was put a moment ago: it is renewed when its time comes."""
        self._putting = True
        self._published_at = now
        self._sequence += 1
        self._note(record)
        self._settled(record, result, now)

    def change(self, now: float) -> None:
        """Publish soon because what it says has changed; no more often than `change_s_min`."""
        if self._putting:
            self._changed = True
        elif not self._cancelled:
            self._disarm()
            self._arm(max(now, self._published_at + self._context.config.change_s_min))

    def errand(self, now: float) -> Errand:
        """Sign the record anew; whoever asks stores it at once."""
        self._disarm()
        self._putting = True
        self._changed = False
        self._published_at = now
        self._sequence += 1
        record = self._record_of(self._sequence)
        self._note(record)
        return Errand(record, self._settled, widens=self._on_settled is None)

    def soon_due(self, now: float) -> bool:
        """Tell whether it may be renewed now, within the jitter of its time."""
        return self._timer is not None and self._due_at - now <= self._early_s

    def cancel(self) -> None:
        """Let the record die at the end of its life."""
        self._cancelled = True
        self._disarm()
        if self._key is not None:
            self._queue.remove(self, self._key)

    def _settled(self, record: Record, result: PutResult, now: float) -> None:
        self._putting = False
        self.result = result
        self._sequence = max(self._sequence, result.newest_sequence)
        kept = self._on_settled is not None and self._on_settled(result, now)
        if self._again:
            self._again = False
            self.renew(now)
        elif not self._cancelled:
            self._arm(now + self._wait_s(record, result, kept))
            if self._changed:
                self.change(now)

    def _note(self, record: Record) -> None:
        self._key = number_of(record.key)
        self._early_s = JITTER * self._interval_s(record)

    def _wait_s(self, record: Record, result: PutResult, kept: bool) -> float:
        """Return the time to the next publication: soon after a failure, at once with a sequence just learnt."""
        config = self._context.config
        elsewhere = any(node_id != self._context.own_id for node_id in result.stored_on)
        outdated = result.newest_sequence >= record.sequence
        if (elsewhere or kept) and not outdated:
            self._retry_s = config.republish_retry_s
            return self._interval_s(record) * (1 - JITTER * self._context.random.random())
        wait_s = 0.0 if outdated and self._retry_s == config.republish_retry_s else self._retry_s
        self._retry_s = min(2 * self._retry_s, max(config.republish_retry_s, record.ttl_s / 10))
        return wait_s

    def _interval_s(self, record: Record) -> float:
        return record.ttl_s * self._context.config.republish_fraction

    def _arm(self, when: float) -> None:
        self._due_at = when
        self._timer = self._context.timers.at(when, self.renew)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
