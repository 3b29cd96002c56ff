"""Implicit routing tables know what real ones know."""

from __future__ import annotations

import numpy as np
import pytest

from mesh99.simulations.model.mixing import stream
from mesh99.simulations.model.space import NOWHERE, Space, shared_prefix_bits
from mesh99.simulations.model.tables import Tables

NODES = 3000
SIZE = 20
SPACE = Space(stream(1, "ids", NODES))
KEY = stream(1, "tables", 1)
NOBODY = np.array([-1])


def _tables(colluders: int = 0) -> Tables:
    return Tables(SPACE, SIZE, KEY, np.arange(NODES) < colluders)


def _named(tables: Tables, point: np.uint64, node: int, asker: int = -1) -> list[int]:
    targets = tables.targets(np.array([point], np.uint64))
    ranks, distances = tables.named(targets, np.array([node]), np.array([asker]))
    return [int(rank) for rank, far in zip(ranks[0], distances[0], strict=True) if far != NOWHERE]


def _known_to_a_real_table(point: np.uint64, node: int) -> tuple[set[int], bool]:
    """Return whom a table may name, and whether it names exactly its nearest of them."""
    shared = shared_prefix_bits(SPACE.ids ^ SPACE.ids[node])
    own_bucket = int(shared_prefix_bits(np.array([SPACE.ids[node] ^ point]))[0])
    bucket = set(np.flatnonzero(shared == own_bucket).tolist())
    return bucket, len(bucket) <= SIZE


@pytest.mark.parametrize("node", [0, 700, 2999])
def test_far_from_the_target_a_full_bucket_of_its_subtree_is_named(node: int) -> None:
    point = SPACE.ids[node] ^ np.uint64(1 << 63)
    named = _named(_tables(), point, node)
    bucket, _ = _known_to_a_real_table(point, node)
    assert len(set(named)) == SIZE
    assert set(named) <= bucket


def test_another_node_and_another_key_know_others() -> None:
    point = SPACE.ids[0] ^ np.uint64(1 << 63)
    other_key = Tables(SPACE, SIZE, stream(2, "tables", 1), np.zeros(NODES, np.bool_))
    assert _named(_tables(), point, 0) != _named(_tables(), point, 1)
    assert _named(_tables(), point, 0) != _named(other_key, point, 0)
    assert _named(_tables(), point, 0) == _named(_tables(), point, 0)


@pytest.mark.parametrize("row", range(20))
def test_near_the_target_the_nearest_of_all_are_named_but_for_node_and_asker(row: int) -> None:
    point = stream(3, "points", 20)[row]
    nearest = np.argsort(SPACE.ids ^ point).tolist()
    node, asker = nearest[2], nearest[5]
    named = _named(_tables(), point, node, asker)
    assert node not in named
    assert asker not in named
    # Whoever shares more bits with the target than a full bucket does is known to all around it.
    bits = int(shared_prefix_bits(np.array([SPACE.ids[nearest[SIZE]] ^ point]))[0])
    inner = [rank for rank in nearest[:SIZE] if int(SPACE.ids[rank] ^ point) >> (63 - bits) == 0]
    assert named[: len(inner) - 2] == [rank for rank in inner if rank not in (node, asker)][: len(inner) - 2]


def test_in_a_network_smaller_than_a_bucket_everybody_knows_everybody() -> None:
    space = Space(stream(1, "ids", 12))
    tables = Tables(space, SIZE, KEY, np.zeros(12, np.bool_))
    targets = tables.targets(stream(1, "points", 5))
    ranks, distances = tables.named(targets, np.arange(5), np.full(5, -1))
    for node in range(5):
        named = {int(rank) for rank, far in zip(ranks[node], distances[node], strict=True) if far != NOWHERE}
        assert named == set(range(12)) - {node}


def test_colluders_name_the_colluders_nearest_to_the_target() -> None:
    tables = _tables(colluders=100)
    point = stream(3, "points", 1)[0]
    nearest = np.argsort(SPACE.ids[:100] ^ point)[:SIZE].tolist()
    assert _named(tables, point, node=50) == [rank for rank in nearest if rank != 50]
    assert not set(_named(tables, point, node=2000)) <= set(range(100))
