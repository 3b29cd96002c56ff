"""Ids near a chosen place: nobody chooses an id, but whoever makes enough keys finds one that is near.

A key costs what a key costs (20 us here): to be nearer to a place than the nearest of N honest nodes takes about N
tries, and to have `count` such ids takes `count` times that, whether they are sought one by one or in one pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from random import Random

from ...dht.distance import number_of, shared_prefix_bits
from ...wire.crypto import REAL
from ...wire.identity import NodeId

TRIES_MAX = 1 << 18
"""Keys one group makes: five seconds of this machine's time; an attacker has more, and needs no more here."""

SEED_BYTES = 32


def ids_next_to(
    targets: Sequence[bytes], count: int, tries: int, random: Random, within: int = 0
) -> list[list[bytes]]:
    """Return the seeds of `count` ids next to each place, from one pool of `tries` (at most TRIES_MAX) keys.

    They are the nearest, in order; or, with `within`, some drawn from those within that distance, spread evenly. Nobody
    stands next to two places.
    """
    pool = {seed: number for number, seed in _keys(max(count, tries), random)}
    return [_taken(number_of(target), pool, count, random, within) for target in targets]


def _taken(place: int, pool: dict[bytes, int], count: int, random: Random, within: int) -> list[bytes]:
    inside = [
        (number ^ place, seed) for seed, number in pool.items() if not within or number ^ place <= within
    ]
    if within:
        inside = random.sample(inside, min(count, len(inside)))
    seeds = [seed for _, seed in nsmallest(count, inside)]
    for seed in seeds:
        del pool[seed]
    return seeds


def ids_around(target: bytes, count: int, per_bucket: int, tries: int, random: Random) -> list[bytes]:
    """Return seeds that spread over the k-buckets of a node, up to `per_bucket` for each, the nearest buckets first."""
    place = number_of(target)
    buckets: dict[int, list[bytes]] = {}
    for node_number, seed in _keys(max(count, tries), random):
        bucket = buckets.setdefault(shared_prefix_bits(node_number, place), [])
        if len(bucket) < per_bucket:
            bucket.append(seed)
    chosen = [seed for prefix_bits in sorted(buckets, reverse=True) for seed in buckets[prefix_bits]]
    return chosen[:count]


def _keys(tries: int, random: Random) -> Iterator[tuple[int, bytes]]:
    for _ in range(min(tries, TRIES_MAX)):
        seed = random.randbytes(SEED_BYTES)
        # Not of the run's own crypto: it remembers every key that it makes.
        yield NodeId.of(REAL.signing_public(seed)).number, seed
