"""XOR distance on 256-bit numbers, the metric of Kademlia (Maymounkov and Mazières 2002, section 2.1).

Identifiers are compared as integers, most significant byte first: `a ^ b` is their distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

ID_BITS = 256
SPACE = 1 << ID_BITS


def number_of(identifier: bytes) -> int:
    """Read a 32-byte identifier as a number."""
    return int.from_bytes(identifier, "big")


def shared_prefix_bits(a: int, b: int) -> int:
    """Count the leading bits that two numbers share; 256 when they are equal."""
    return ID_BITS - (a ^ b).bit_length()


def random_number_at(own: int, prefix_bits: int, random: Random) -> int:
    """Draw a number that shares exactly `prefix_bits` leading bits with `own`."""
    below = ID_BITS - prefix_bits - 1
    flipped = (own >> below) ^ 1
    return (flipped << below) | random.getrandbits(below)


def expected_radius(distances: Sequence[int], count: int) -> int:
    """Estimate the distance of the `count`-th nearest node to any target.

    `distances` are those of the nearest known nodes to one point, ascending. The i-th of N uniform nodes lies at
    i * SPACE / (N + 1) in the mean; a least-squares fit through all of them gives the spacing SPACE / (N + 1).
    """
    ranks = range(1, len(distances) + 1)
    weight = sum(rank * rank for rank in ranks)
    if not weight:
        return SPACE
    spacing = sum(rank * distance for rank, distance in zip(ranks, distances, strict=True)) // weight
    return min(SPACE, count * spacing)
