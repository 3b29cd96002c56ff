"""Randomness of the model: a stateless mix of numbers, and raw streams of one generator.

The mix gives the same number for the same parts at any time and in any order: a table entry, a delay or a lost packet
needs no memory. Both are fixed by definition: numpy promises the raw output of PCG64, not its distributions.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Floats = NDArray[np.float64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # increment and multipliers of SplitMix64 (Steele et al. 2014)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def mix(*parts: Numbers) -> Numbers:
    """Mix numbers, or arrays that broadcast against each other, into a uniform one."""
    mixed = np.zeros(1, np.uint64)
    for part in parts:
        mixed = _scramble((mixed ^ part) + GOLDEN)
    return mixed


def unit(numbers: Numbers) -> Floats:
    """Turn uniform numbers into shares, 0 up to but without 1."""
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(numbers: Numbers, limits: Numbers) -> NDArray[np.int64]:
    """Turn uniform numbers into integers below limits of at most 32 bits."""
    return (((numbers >> np.uint64(32)) * limits) >> np.uint64(32)).astype(np.int64)


def stream(seed: int, purpose: str, count: int) -> Numbers:
    """Return the first numbers of the stream for one purpose."""
    derived = blake2b(f"{seed}:model:{purpose}".encode(), digest_size=16).digest()
    return np.atleast_1d(np.random.PCG64(int.from_bytes(derived, "big")).random_raw(count))


def _scramble(mixed: Numbers) -> Numbers:
    mixed = (mixed ^ (mixed >> np.uint64(30))) * FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND
    return mixed ^ (mixed >> np.uint64(31))
