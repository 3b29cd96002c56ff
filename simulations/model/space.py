"""The nodes of the model, sorted by id: a subtree of the id space is a range of ranks, found by binary search.

A node is its rank. Ids are the leading 64 bits of 256: among a million nodes two agree with probability 3e-8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mixing import Numbers

Ranks = NDArray[np.int64]

ID_BITS = 64
NOWHERE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The distance of nobody."""

WINDOW = 64
"""Ranks looked at on each side of a point: the 32 nearest by XOR hardly ever lie farther away."""


class Space:
    """Ids in ascending order."""

    def __init__(self, ids: Numbers) -> None:
        self.ids = np.sort(ids)

    def __len__(self) -> int:
        return len(self.ids)

    def subtree(self, points: Numbers, bits: Ranks) -> tuple[Ranks, Ranks]:
        """Return the ranks (first, end) of the nodes that share the leading `bits` with points."""
        free = (ID_BITS - np.clip(bits, 1, ID_BITS)).astype(np.uint64)
        low = points >> free << free
        high = low | ((np.uint64(1) << free) - np.uint64(1))
        first = np.searchsorted(self.ids, low, "left")
        end = np.searchsorted(self.ids, high, "right")
        return np.where(bits > 0, first, 0), np.where(bits > 0, end, len(self.ids))

    def nearest(self, points: Numbers, count: int) -> tuple[Ranks, Numbers]:
        """Return ranks and distances of the nodes nearest to points, in order; NOWHERE where there are too few."""
        middle = np.searchsorted(self.ids, points)
        ranks = middle[:, None] + np.arange(-WINDOW, WINDOW)
        inside = (ranks >= 0) & (ranks < len(self.ids))
        ranks = np.where(inside, ranks, 0)
        distances = np.where(inside, self.ids[ranks] ^ points[:, None], NOWHERE)
        order = np.argsort(distances, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(ranks, order, 1), np.take_along_axis(distances, order, 1)


def shared_prefix_bits(distances: Numbers) -> Ranks:
    """Count the leading bits that two ids share, of their distance; 64 when they are equal."""
    # With the second highest bit cleared, the conversion to float cannot round up to the next power of two.
    _, exponents = np.frexp((distances & ~(distances >> np.uint64(1))).astype(np.float64))
    return ID_BITS - exponents.astype(np.int64)
