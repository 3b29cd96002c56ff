from __future__ import annotations

from random import Random

import pytest

from mesh99.dht.distance import number_of, shared_prefix_bits
from mesh99.simulations.adversaries import grinding
from mesh99.simulations.adversaries.grinding import ids_around, ids_next_to
from mesh99.wire.identity import Identity, NodeId

PLACE = bytes(range(32))


def _shared_bits(seed: bytes) -> int:
    return shared_prefix_bits(number_of(Identity(seed).node_id), number_of(PLACE))


def test_ids_are_the_nearest_of_all_that_were_made() -> None:
    seeds = ids_next_to([PLACE], 4, 512, Random(1))[0]
    distances = [Identity(seed).node_id.distance(PLACE) for seed in seeds]
    assert distances == sorted(distances)
    (few,) = ids_next_to([PLACE], 4, 4, Random(1))
    assert [_shared_bits(seed) for seed in few] < [_shared_bits(seed) for seed in seeds]
    assert min(_shared_bits(seed) for seed in seeds) >= 5, "of 512 keys four share about 7 bits"


def test_ids_within_a_distance_are_spread_over_it() -> None:
    eighth = 1 << 253
    (seeds,) = ids_next_to([PLACE], 20, 512, Random(1), eighth)
    distances = [Identity(seed).node_id.distance(PLACE) for seed in seeds]
    assert distances == sorted(distances)
    assert distances[-1] <= eighth
    assert distances[10] > eighth // 4, "the nearest of all would all be nearer"


def test_nobody_stands_next_to_two_places() -> None:
    near, less_near = ids_next_to([PLACE, PLACE], 4, 512, Random(1))
    assert near == ids_next_to([PLACE], 4, 512, Random(1))[0]
    assert not set(near) & set(less_near)


def test_ids_around_a_node_fill_its_nearest_buckets_first() -> None:
    seeds = ids_around(PLACE, 12, 3, 256, Random(2))
    bits = [_shared_bits(seed) for seed in seeds]
    assert len(seeds) == 12
    assert bits == sorted(bits, reverse=True)
    assert max(bits.count(each) for each in bits) == 3


def test_tries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grinding, "TRIES_MAX", 10)
    made: list[bytes] = []

    def of(public_key: bytes) -> NodeId:
        made.append(public_key)
        return NodeId(public_key)

    monkeypatch.setattr(grinding.NodeId, "of", of)
    assert len(ids_next_to([PLACE], 2, 1_000_000, Random(3))[0]) == 2
    assert len(made) == 10
