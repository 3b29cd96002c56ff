"""A network of nodes that exist as numbers only, and a sample of the lookups in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..scenario.schema import Latency
from .candidates import Mask
from .lookups import Lookups, Surroundings
from .mixing import Floats, Numbers, below, stream
from .round_trips import RoundTrips
from .rules import Conditions, LookupRules
from .space import NOWHERE, Ranks, Space
from .tables import Named, Tables, Targets

BATCH = 2048
"""Lookups in lock-step: their arrays fit the processor's second cache."""

PATHS_MAX = 64
"""Searches of one lookup whose requests get jitter and losses of their own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Lookups that ran; a place each."""

    right: Mask
    """The nearest honest node is in the answer; colluders may stand before it."""
    depths: NDArray[np.uint8]
    requests: Ranks
    took_s: Floats

    @classmethod
    def joined(cls, parts: list[Sample]) -> Sample:
        """Put samples together."""
        none = np.zeros(0, np.bool_)
        empty = cls(none, np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0))
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in [empty, *parts]]) for name in names))


class NetworkModel:
    """Ids, who of them is dead or colludes, and what goes on between them."""

    def __init__(self, latency: Latency, conditions: Conditions, rules: LookupRules, seed: int) -> None:
        self._rules = rules
        self._seed = seed
        listed = round(conditions.nodes / (1 - conditions.dead_share))
        self._space = Space(stream(seed, "ids", listed))
        # In a random order the first are dead and the next collude: exact counts at random places.
        order = np.argsort(stream(seed, "marks", listed), kind="stable")
        dead, colluding = np.zeros(listed, np.bool_), np.zeros(listed, np.bool_)
        dead[order[: listed - conditions.nodes]] = True
        colluding[order[listed - conditions.nodes :][: conditions.colluders]] = True
        self._honest = ~dead & ~colluding
        tables = Tables(self._space, rules.bucket_size, stream(seed, "tables", 1), colluding)
        round_trips = RoundTrips(latency, conditions.loss, stream(seed, "round trips", 1))
        self._around = Surroundings(rules, tables, round_trips, dead)

    def look_up(self, count: int, goes_on: Callable[[Sample], bool] = lambda part: True) -> Sample:
        """Let nodes look up ids; `goes_on` is told of each part, and false ends it there."""
        members = np.flatnonzero(self._honest)
        drawn = stream(self._seed, "sources", count)
        sources = members[below(drawn, np.array([len(members)], np.uint64))]
        points = stream(self._seed, "targets", count)
        parts: list[Sample] = []
        for first in range(0, count, BATCH):
            batch = slice(first, first + BATCH)
            parts.append(self._batch(sources[batch], points[batch], first))
            if not goes_on(parts[-1]):
                break
        return Sample.joined(parts)

    def _batch(self, sources: Ranks, points: Numbers, first: int) -> Sample:
        tables, paths = self._around.tables, self._rules.paths
        targets = tables.targets(points)
        radius = self._radius(sources)
        seeds = tables.named(targets, sources, sources)
        serials = np.arange(first, first + len(sources), dtype=np.uint64) * np.uint64(PATHS_MAX)
        found = [
            Lookups(self._around, sources, targets, radius, serials + np.uint64(path)).run(
                _of_path(seeds, path, paths)
            )
            for path in range(paths)
        ]
        nearest = self._nearest_honest(sources, targets)
        return Sample(
            np.logical_or.reduce([(each.ranks == nearest[:, None]).any(axis=1) for each in found]),
            np.maximum.reduce([each.depths for each in found]),
            np.add.reduce([each.requests for each in found]),
            np.maximum.reduce([each.took_s for each in found]),
        )

    def _radius(self, sources: Ranks) -> Numbers:
        """Estimate as dht/table.py does: a fit through the distances of a node's own nearest neighbours."""
        size = self._rules.bucket_size
        _, distances = self._space.nearest(self._space.ids[sources], size + 1)
        near = distances[:, 1:]
        known = near != NOWHERE
        ranks = np.arange(1, near.shape[1] + 1) * known
        weighted = (np.where(known, near, 0) * ranks.astype(np.float64)).sum(axis=1)
        spacing = weighted / np.maximum((ranks**2).sum(axis=1), 1)
        # Half the space is as good as all of it: who is nearer than that is in the right half.
        radius: Numbers = np.minimum(self._rules.count * spacing, 2.0**63).astype(np.uint64)
        return radius

    def _nearest_honest(self, sources: Ranks, targets: Targets) -> Ranks:
        fits = self._honest[targets.near_ranks] & (targets.near_distances != NOWHERE)
        fits &= targets.near_ranks != sources[:, None]
        first = np.argmax(fits, axis=1)[:, None]
        nearest = np.take_along_axis(targets.near_ranks, first, 1)[:, 0]
        return np.where(fits.any(axis=1), nearest, len(self._space))


def _of_path(seeds: Named, path: int, paths: int) -> Named:
    """Return the contacts that one of several searches starts from: they share none."""
    ranks, distances = seeds
    mine = np.arange(ranks.shape[1]) % paths == path
    return ranks, np.where(mine, distances, NOWHERE)
