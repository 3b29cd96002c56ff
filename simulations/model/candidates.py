"""The candidates of many lookups, a row each, nearest first: what dht/lookup.py keeps of one lookup.

Empty places have the distance NOWHERE and the state FAILED, so that nobody waits for them.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .space import NOWHERE, Ranks
from .tables import Named

COLUMNS = 64
"""Candidates kept of a lookup: the two nearest buckets, and room for an answer that names the same nodes again. The
nearest bucket of those that did not fail decides everything."""

UNASKED, WAITING, SLOW, ANSWERED, FAILED = range(5)
NEVER = np.inf

Mask = NDArray[np.bool_]
Item = TypeVar("Item", bound=np.generic)
FIELDS = ("distances", "ranks", "states", "depths", "asked_at", "due_at")


class Candidates:
    """Arrays of (lookups, COLUMNS)."""

    def __init__(self, lookups: int) -> None:
        shape = (lookups, COLUMNS)
        self.distances = np.full(shape, NOWHERE)
        self.ranks = np.zeros(shape, np.int32)
        self.states = np.full(shape, FAILED, np.uint8)
        self.depths = np.zeros(shape, np.uint8)
        self.asked_at = np.zeros(shape)
        self.due_at = np.full(shape, NEVER)

    def take(self, rows: Mask) -> None:
        """Go on with some of the rows."""
        for field in FIELDS:
            setattr(self, field, getattr(self, field)[rows])

    def add(self, rows: Ranks, named: Named, depths: NDArray[np.uint8]) -> None:
        """Add those who are unknown so far to rows, and keep the nearest."""
        ranks, distances = named
        fresh = np.where(distances == NOWHERE, FAILED, UNASKED).astype(np.uint8)
        merged = np.concatenate([self.distances[rows], distances], axis=1)
        order = np.argsort(merged, axis=1, kind="stable")
        merged = np.take_along_axis(merged, order, 1)
        # Equal distances are the same node; the one known before comes first and stays.
        again = np.zeros(merged.shape, np.bool_)
        again[:, 1:] = merged[:, 1:] == merged[:, :-1]
        order, again, merged = order[:, :COLUMNS], again[:, :COLUMNS], merged[:, :COLUMNS]
        merged[again] = NOWHERE
        self.distances[rows] = merged
        self.ranks[rows] = _taken(self.ranks[rows], ranks.astype(np.int32), order)
        self.depths[rows] = _taken(self.depths[rows], np.broadcast_to(depths[:, None], ranks.shape), order)
        self.asked_at[rows] = _taken(self.asked_at[rows], np.zeros(ranks.shape), order)
        self.due_at[rows] = _taken(self.due_at[rows], np.full(ranks.shape, NEVER), order)
        states = _taken(self.states[rows], fresh, order)
        states[again] = FAILED
        self.states[rows] = states

    def next_to_ask(self, count: int, slots: Ranks) -> Mask:
        """Return whom `Lookup.next` would name now, one after the other, while there are slots."""
        unasked = self.states == UNASKED
        ranked = np.cumsum(
            unasked | (self.states == WAITING) | (self.states == ANSWERED), axis=1, dtype=np.uint8
        )
        chosen = np.cumsum(unasked, axis=1, dtype=np.uint8)
        named: Mask = unasked & (ranked <= count) & (chosen <= slots[:, None])
        return named

    def finished(self, count: int, exhausted: Mask) -> Mask:
        """Return where the `count` nearest that did not fail have all answered."""
        alive = (self.states != FAILED) & ~(exhausted[:, None] & (self.states == UNASKED))
        among = np.cumsum(alive, axis=1, dtype=np.uint8) <= count
        waited_for: Mask = (alive & among & (self.states != ANSWERED)).any(axis=1)
        return ~waited_for

    def nearest_answered(self, rows: Mask, count: int) -> tuple[Mask, NDArray[np.uint8]]:
        """Return for rows where the result stands, and how deep its deepest contact was found."""
        answered = self.states[rows] == ANSWERED
        result = answered & (np.cumsum(answered, axis=1, dtype=np.uint8) <= count)
        return result, np.where(result, self.depths[rows], 0).max(axis=1)

    def nearest_has_answered(self) -> Mask:
        """Return where the nearest that is neither late nor failed has answered, or there is none."""
        hopeful = (self.states != SLOW) & (self.states != FAILED)
        first = np.argmax(hopeful, axis=1)[:, None]
        state = np.take_along_axis(self.states, first, 1)[:, 0]
        return np.asarray((state == ANSWERED) | ~hopeful.any(axis=1))


def _taken(kept: NDArray[Item], fresh: NDArray[Item], order: Ranks) -> NDArray[Item]:
    return np.take_along_axis(np.concatenate([kept, fresh], axis=1), order, 1)
