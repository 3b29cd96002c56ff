"""Routing tables that nobody stores: what a node knows is a function of its rank.

    the target lies                        the node knows of the nodes nearest to the target
    in a subtree that fills a bucket       `bucket_size` of its members, chosen by a mix of (node, bucket, slot)
    nearer, where buckets are not filled   all of them, but of a last bucket that overflows only as many as fit

That is a table as the rules of dht/table.py and dht/bucket.py leave it after hours of use.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .mixing import Numbers, below, mix, unit
from .space import NOWHERE, Ranks, Space, shared_prefix_bits

NEAR_SPARE = 12
"""True nearest nodes kept per target beyond a bucket: the two that are left out of an answer, and some for thinning."""

Named = tuple[Ranks, Numbers]
"""Ranks and distances to the target, a row per answer; the distance is NOWHERE where there is nobody."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Points that are searched, and what is around each."""

    points: Numbers
    near_ranks: Ranks
    near_distances: Numbers
    bits: Ranks
    """Leading bits shared with the target from which on a node knows its neighbourhood."""
    twin_share: NDArray[np.float64]
    """Share of the farther half of that neighbourhood that fits a bucket."""
    ally_ranks: Ranks
    ally_distances: Numbers
    """The colluders nearest to the target."""

    def take(self, rows: NDArray[np.int64]) -> Targets:
        """Return some of the targets."""
        return Targets(*(getattr(self, field.name)[rows] for field in fields(self)))


class Tables:
    """The tables of all nodes; colluders name colluders only."""

    def __init__(self, space: Space, bucket_size: int, key: Numbers, colluders: NDArray[np.bool_]) -> None:
        self._space = space
        self._size = bucket_size
        self._key = key
        self._colluders = colluders
        self._ally_ranks = np.flatnonzero(colluders)
        self._allies = Space(space.ids[self._ally_ranks])

    def targets(self, points: Numbers) -> Targets:
        """Look around points."""
        ranks, distances = self._space.nearest(points, self._size + NEAR_SPARE)
        # The first node beyond a full bucket shows how far the subtree reaches that a bucket does not hold.
        bits = shared_prefix_bits(distances[:, self._size])
        first, end = self._space.subtree(points, bits)
        inner_first, inner_end = self._space.subtree(points, bits + 1)
        twin = (end - first) - (inner_end - inner_first)
        share = self._size / np.maximum(twin, self._size)
        everywhere = distances[:, self._size] == NOWHERE
        bits = np.where(everywhere, 0, bits)
        share = np.where(everywhere, 1.0, share)
        return Targets(points, ranks, distances, bits, share, *self._allies_near(points))

    def named(self, targets: Targets, nodes: Ranks, askers: Ranks) -> Named:
        """Return whom nodes name to askers as nearest to targets, a row each."""
        ranks = np.zeros((len(nodes), self._size), np.int64)
        distances = np.full(ranks.shape, NOWHERE)
        shared = shared_prefix_bits(self._space.ids[nodes] ^ targets.points)
        colluding = self._colluders[nodes]
        for rows, ask in (
            (np.flatnonzero(colluding), self._named_by_colluders),
            (np.flatnonzero(~colluding & (shared < targets.bits)), self._named_from_afar),
            (np.flatnonzero(~colluding & (shared >= targets.bits)), self._named_nearby),
        ):
            if len(rows):
                ranks[rows], distances[rows] = ask(
                    targets.take(rows), nodes[rows], askers[rows], shared[rows]
                )
        distances[(ranks == nodes[:, None]) | (ranks == askers[:, None])] = NOWHERE
        return ranks, distances

    def _named_from_afar(self, targets: Targets, nodes: Ranks, askers: Ranks, shared: Ranks) -> Named:
        first, end = self._space.subtree(targets.points, shared + 1)
        slots = np.arange(self._size, dtype=np.uint64)
        drawn = mix(self._key, _column(nodes), _column(shared), slots)
        # Sorted draws from a shorter range plus their positions are distinct members in order.
        limits = (end - first - (self._size - 1)).astype(np.uint64)
        ranks = np.sort(below(drawn, limits[:, None]), axis=1) + first[:, None] + np.arange(self._size)
        return ranks, self._space.ids[ranks] ^ targets.points[:, None]

    def _named_nearby(self, targets: Targets, nodes: Ranks, askers: Ranks, shared: Ranks) -> Named:
        inner = shared_prefix_bits(targets.near_distances) > targets.bits[:, None]
        fits = unit(mix(self._key, _column(nodes), targets.near_ranks.astype(np.uint64)))
        neighbours = (shared == targets.bits)[:, None]
        known = inner | neighbours | (fits < targets.twin_share[:, None])
        known &= (targets.near_ranks != nodes[:, None]) & (targets.near_ranks != askers[:, None])
        distances = np.where(known, targets.near_distances, NOWHERE)
        order = np.argsort(~known, axis=1, kind="stable")[:, : self._size]
        return np.take_along_axis(targets.near_ranks, order, 1), np.take_along_axis(distances, order, 1)

    def _named_by_colluders(self, targets: Targets, nodes: Ranks, askers: Ranks, shared: Ranks) -> Named:
        return targets.ally_ranks, targets.ally_distances

    def _allies_near(self, points: Numbers) -> Named:
        if not len(self._allies):
            return np.zeros((len(points), self._size), np.int64), np.full((len(points), self._size), NOWHERE)
        ranks, distances = self._allies.nearest(points, self._size)
        return self._ally_ranks[ranks], distances


def _column(values: Ranks) -> Numbers:
    return values.astype(np.uint64)[:, None]
