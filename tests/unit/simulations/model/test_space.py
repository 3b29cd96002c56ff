"""Ranges and nearest nodes of the sorted id space, against looking at every node."""

from __future__ import annotations

import numpy as np
import pytest

from mesh99.simulations.model.mixing import stream
from mesh99.simulations.model.space import NOWHERE, Space, shared_prefix_bits

SPACE = Space(stream(1, "ids", 600))
POINTS = stream(1, "points", 50)


def test_the_nearest_are_those_that_looking_at_all_finds() -> None:
    ranks, distances = SPACE.nearest(POINTS, 32)
    for row, point in enumerate(POINTS):
        everybody = np.argsort(SPACE.ids ^ point)[:32]
        assert ranks[row].tolist() == everybody.tolist()
        assert distances[row].tolist() == (SPACE.ids[everybody] ^ point).tolist()


def test_where_there_are_too_few_the_rest_is_nowhere() -> None:
    few = Space(stream(1, "ids", 3))
    _, distances = few.nearest(POINTS, 5)
    assert (distances[:, 3:] == NOWHERE).all()
    assert (distances[:, :3] != NOWHERE).all()


@pytest.mark.parametrize("bits", [0, 1, 3, 7, 64])
def test_a_subtree_is_the_range_of_those_that_share_a_prefix(bits: int) -> None:
    first, end = SPACE.subtree(POINTS, np.full(len(POINTS), bits))
    for row, point in enumerate(POINTS):
        inside = [rank for rank, other in enumerate(SPACE.ids) if int(point ^ other) >> (64 - bits) == 0]
        assert list(range(int(first[row]), int(end[row]))) == inside


def test_shared_bits_are_counted_exactly_also_next_to_powers_of_two() -> None:
    distances = [0, 1, 2, 3, 2**53 - 1, 2**53, 2**54 - 1, 2**63 - 1, 2**63, 2**64 - 1]
    shared = shared_prefix_bits(np.array(distances, np.uint64))
    assert shared.tolist() == [64 - distance.bit_length() for distance in distances]
