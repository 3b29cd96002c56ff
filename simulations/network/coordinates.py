"""Places for nodes: points in a plane, in clusters as on continents, and the height of each node's access line over it.

The round trip of a pair is the way between the two points, plus both heights, plus what every pair needs, times a few
per cent that are the pair's own: routes are no straight lines. The constants were fitted by random search, so that the
quantiles of the pairs are those of PlanetLab (delays.py) within a few per cent; 5 % of all triangles are violated (one
side is longer than the other two), where PlanetLab has 6 %. Both are tested.
"""

from __future__ import annotations

from math import hypot

from ..world import World

CLUSTERS = (
    # share of the nodes, centre x and y, spread; milliseconds of round trip
    (0.256, -2.5, -11.4, 44.3),
    (0.328, 11.8, 30.0, 7.8),
    (0.295, -135.2, 20.3, 23.4),
    (0.056, -50.8, -243.2, 21.6),
    (0.065, 219.9, -120.9, 13.0),
)

HEIGHT_MEAN_MS = 3.6
"""Heights are exponential."""

LEAST_MS = 2.0
"""What every pair needs, however near."""

DETOUR = 0.05
"""Largest deviation of a pair from its geometry, either way; without it no triangle could be violated."""

DETOUR_STEPS = 4096

GOLDEN_RATIO = 0.6180339887498949
"""Steps of this size modulo 1 spread evenly however many there are: a small network has every cluster's share too."""


class Coordinates:
    """Give every node a place, and every pair the way between its places."""

    def __init__(self, world: World) -> None:
        self._world = world
        random = world.random(0, "coordinates")
        self._first = random.random()
        self._salt = random.getrandbits(60)
        self._places: dict[int, tuple[float, float, float]] = {}
        self._detours = [
            500_000 * (1 + DETOUR * (2 * (step + 0.5) / DETOUR_STEPS - 1)) for step in range(DETOUR_STEPS)
        ]
        """By a hash of the pair: nanoseconds one way for a millisecond of round trip."""

    def one_way_ns(self, a: int, b: int) -> int:
        """Return the same for both directions."""
        ax, ay, a_height = self._places.get(a) or self.place(a)
        bx, by, b_height = self._places.get(b) or self.place(b)
        rtt_ms = hypot(ax - bx, ay - by) + a_height + b_height + LEAST_MS
        pair = (self._salt, a, b) if a < b else (self._salt, b, a)
        return int(rtt_ms * self._detours[hash(pair) & (DETOUR_STEPS - 1)])

    def place(self, node: int) -> tuple[float, float, float]:
        """Return where a node is: x, y and height, in milliseconds."""
        place = self._places.get(node)
        if place is None:
            random = self._world.random(node, "coordinates")
            _, x, y, spread = CLUSTERS[self.cluster(node)]
            height = random.expovariate(1 / HEIGHT_MEAN_MS)
            place = self._places[node] = (random.gauss(x, spread), random.gauss(y, spread), height)
        return place

    def cluster(self, node: int) -> int:
        """Return the number of a node's cluster."""
        at = (self._first + node * GOLDEN_RATIO) % 1
        for number, (share, *_) in enumerate(CLUSTERS):
            at -= share
            if at < 0:
                return number
        return len(CLUSTERS) - 1
