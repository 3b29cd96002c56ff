"""A region: the part of the key space that one finished lookup speaks for.

A lookup of `target` that found its nearest nodes knows every node up to the distance of the farthest of them. A key
nearby has its replicas among them for certain when the last of these is nearer to the key than any node beyond that
distance could be. Keys at the edge are not certain and want a lookup of their own. (go-libp2p's Provide Sweep divides
the space by prefixes to the same end; here the lookup itself says how far it reaches.)
"""

from __future__ import annotations

from collections.abc import Sequence

from .distance import SPACE
from .lookup import Candidate


class Region:
    """What a lookup of `target` found, in order; `whole` says that there is nobody else."""

    __slots__ = ("_found", "_replicas", "radius", "target")

    def __init__(self, target: int, found: Sequence[Candidate], replicas: int, *, whole: bool) -> None:
        self.target = target
        self.radius = SPACE - 1 if whole else found[-1].distance
        self._found = found
        self._replicas = replicas

    def ranked(self, key: int) -> list[Candidate]:
        """Return all that were found, the nearest to a key first."""
        return sorted(self._found, key=lambda candidate: candidate.contact.number ^ key)

    def covers(self, key: int) -> bool:
        """Tell whether the replicas of a key are surely among those that were found."""
        beyond = least_beyond(self.radius, key ^ self.target)
        nearer = sum(candidate.contact.number ^ key < beyond for candidate in self._found)
        return nearer >= min(self._replicas, len(self._found))

    def within(self, key: int, radius: int) -> int:
        """Count those that were found within a distance of a key."""
        return sum(candidate.contact.number ^ key <= radius for candidate in self._found)


def least_beyond(radius: int, offset: int) -> int:
    """Return the least distance, to a point at `offset` from a target, of anything farther from it than `radius`.

    That is the minimum of y ^ offset over all y > radius: y shares the bits of the radius down to one that is 0 there
    and 1 in y, and is free below. Best is the highest such bit that is 1 in the offset, else the lowest of all.
    """
    choices = offset & ~radius
    bit = (choices or ((radius + 1) & ~radius)).bit_length() - 1
    shared = (radius ^ offset) >> (bit + 1) << (bit + 1)
    return shared if choices else shared | 1 << bit
