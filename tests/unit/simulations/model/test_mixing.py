"""The model's randomness: fixed for ever, uniform, and without memory."""

from __future__ import annotations

import numpy as np

from mesh99.simulations.model.mixing import below, mix, stream, unit


def test_the_mix_of_the_same_parts_is_the_same_number_wherever_it_is_asked_for() -> None:
    nodes = np.arange(5, dtype=np.uint64)
    key = np.array([7], np.uint64)
    assert mix(key, nodes)[3] == mix(key, nodes[3:4])[0]
    assert int(mix(key, nodes[1:2])[0]) == _splitmix(_splitmix(7) ^ 1)


def _splitmix(state: int) -> int:
    """Return the next number of SplitMix64, in Python's own integers."""
    mixed = (state + 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def test_parts_do_not_commute() -> None:
    one, two = np.array([1], np.uint64), np.array([2], np.uint64)
    assert mix(one, two)[0] != mix(two, one)[0]


def test_mixed_numbers_are_uniform() -> None:
    shares = unit(mix(np.array([1], np.uint64), np.arange(20_000, dtype=np.uint64)))
    counts, _ = np.histogram(shares, bins=20, range=(0.0, 1.0))
    assert shares.min() >= 0.0
    assert shares.max() < 1.0
    # 1000 expected in each; five standard deviations are 154.
    assert counts.min() > 846
    assert counts.max() < 1154


def test_draws_stay_below_their_limits_and_reach_them() -> None:
    numbers = mix(np.arange(1000, dtype=np.uint64))
    drawn = below(numbers, np.array([3], np.uint64))
    assert sorted(set(drawn.tolist())) == [0, 1, 2]


def test_a_stream_is_fixed_by_seed_and_purpose() -> None:
    assert stream(1, "ids", 4).tolist() == stream(1, "ids", 8)[:4].tolist()
    assert stream(1, "ids", 4).tolist() != stream(2, "ids", 4).tolist()
    assert stream(1, "ids", 4).tolist() != stream(1, "targets", 4).tolist()
