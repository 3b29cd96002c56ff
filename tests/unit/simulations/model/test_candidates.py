"""Candidates as arrays, against the state machine of dht/lookup.py that they stand for."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mesh99.dht.lookup import Candidate, Lookup, State
from mesh99.simulations.model.candidates import ANSWERED, COLUMNS, FAILED, SLOW, WAITING, Candidates
from mesh99.simulations.model.space import NOWHERE

COUNT = 5
WIDTH = 8
ALL = np.array([True])
STATES = {State.ANSWERED: ANSWERED, State.FAILED: FAILED, State.SLOW: SLOW}


class Pair:
    """The same search in both forms; the target is 0, so that an id is its distance."""

    def __init__(self, seeds: list[int]) -> None:
        self.lookup = Lookup(
            0,
            [_contact(each) for each in seeds],
            b"",  # type: ignore[arg-type]
            count=COUNT,
            parallelism=3,
            parallelism_wide=COUNT,
            requests_max=1000,
        )
        self.arrays = Candidates(1)
        self._add(seeds, 1)

    def ask(self) -> tuple[list[int], list[int]]:
        """Return whom each form asks next."""
        slots = np.array([COUNT if self.lookup.wide else 3])
        slots -= np.count_nonzero(self.arrays.states == WAITING)
        chosen = self.arrays.next_to_ask(COUNT, slots)
        self.arrays.states[chosen] = WAITING
        asked: list[int] = []
        while (candidate := self.lookup.next()) is not None:
            asked.append(candidate.distance)
        return asked, self.arrays.distances[chosen].tolist()

    def happens(self, candidate: Candidate, state: State, named: list[int]) -> None:
        """Let the same happen to both."""
        self.arrays.states[self.arrays.distances == np.uint64(candidate.distance)] = STATES[state]
        if state is State.SLOW:
            self.lookup.slow(candidate)
        elif state is State.FAILED:
            self.lookup.failed(candidate)
        else:
            self.lookup.answered(candidate, [_contact(each) for each in named])
            self._add(named, candidate.depth + 1)

    def _add(self, ids: list[int], depth: int) -> None:
        padded = [*ids, *[0] * (WIDTH - len(ids))]
        distances = np.array([padded], np.uint64)
        distances[:, len(ids) :] = NOWHERE
        self.arrays.add(np.array([0]), (np.array([padded]), distances), np.array([depth], np.uint8))


def _contact(distance: int) -> Any:
    return SimpleNamespace(node_id=distance.to_bytes(32, "big"), number=distance)


@pytest.mark.parametrize("seed", range(40))
def test_a_search_goes_as_the_real_one(seed: int) -> None:
    random = Random(seed)
    ids = random.sample(range(1, 10**6), 40)
    pair = Pair(random.sample(ids, WIDTH))
    for _ in range(200):
        asked, asked_in_arrays = pair.ask()
        assert asked_in_arrays == sorted(asked)
        lookup = pair.lookup
        assert bool(pair.arrays.finished(COUNT, ~ALL)[0]) == lookup.finished
        open_ = [each for each in lookup.candidates if each.state in (State.WAITING, State.SLOW)]
        if lookup.finished or not open_:
            break
        state = random.choice([State.ANSWERED, State.ANSWERED, State.FAILED, State.SLOW])
        pair.happens(random.choice(open_), state, random.sample(ids, random.randrange(WIDTH)))
    result, depths = pair.arrays.nearest_answered(ALL, COUNT)
    nearest = pair.lookup.nearest_answered()
    assert pair.arrays.distances[result].tolist() == [each.distance for each in nearest]
    assert depths[0] == max((each.depth for each in nearest), default=0)
    assert pair.lookup.finished


def test_only_the_nearest_are_kept_and_nobody_twice() -> None:
    arrays = Candidates(1)
    for first in range(0, 200, WIDTH):
        distances = np.arange(first, first + WIDTH, dtype=np.uint64)[None, ::-1]
        arrays.add(np.array([0]), (distances.astype(np.int64), distances), np.array([1], np.uint8))
        arrays.add(np.array([0]), (distances.astype(np.int64), distances), np.array([9], np.uint8))
    known = arrays.distances[0][arrays.distances[0] != NOWHERE].tolist()
    assert known == sorted(set(known))
    assert known[: COLUMNS - WIDTH] == list(range(COLUMNS - WIDTH))
    assert arrays.depths.max() == 1


def test_with_its_requests_used_up_a_search_does_not_wait_for_those_never_asked() -> None:
    pair = Pair([1, 2, 3])
    pair.arrays.states[0, :2] = ANSWERED
    assert not pair.arrays.finished(COUNT, ~ALL)[0]
    assert pair.arrays.finished(COUNT, ALL)[0]
