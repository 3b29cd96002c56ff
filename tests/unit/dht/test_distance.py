from random import Random

import pytest

from mesh99.dht.distance import SPACE, expected_radius, number_of, random_number_at, shared_prefix_bits


def test_number_reads_the_first_byte_as_the_highest() -> None:
    assert number_of(b"\x01" + bytes(31)) == 1 << 248


def test_shared_prefix() -> None:
    assert shared_prefix_bits(5, 5) == 256
    assert shared_prefix_bits(0, 1) == 255
    assert shared_prefix_bits(0, 1 << 255) == 0


@pytest.mark.parametrize("prefix_bits", [0, 1, 7, 100, 254, 255])
def test_random_number_shares_exactly_the_prefix(prefix_bits: int) -> None:
    random = Random(1)
    own = random.getrandbits(256)
    for _ in range(50):
        assert shared_prefix_bits(own, random_number_at(own, prefix_bits, random)) == prefix_bits


def test_expected_radius_finds_the_density_of_a_uniform_network() -> None:
    random = Random(2)
    nodes, count = 10_000, 8
    distances = sorted(random.getrandbits(256) for _ in range(nodes))[:20]
    assert 0.5 < expected_radius(distances, count) / (count * SPACE / nodes) < 2.0


def test_expected_radius_of_nobody_is_everything() -> None:
    assert expected_radius([], 8) == SPACE
    assert expected_radius([SPACE - 1], 8) == SPACE
