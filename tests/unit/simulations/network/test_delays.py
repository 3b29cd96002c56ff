"""Delays: the measured quantiles, symmetry, and geometry."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from mesh99.simulations.network.coordinates import CLUSTERS
from mesh99.simulations.network.delays import RTT_QUANTILES_MS, Delays, delays_of, rtt_quantile_ms
from mesh99.simulations.scenario.schema import Latency
from mesh99.simulations.world import World

MEASURED = RTT_QUANTILES_MS[1:-1]
"""Quantiles of the round-trip times between PlanetLab hosts."""


def model(name: str, seed: int = 1, asymmetry: float = 0.0) -> Delays:
    return delays_of(World(seed), Latency(model=name, asymmetry=asymmetry))  # type: ignore[arg-type]


def rtts_ms(delays: Delays, nodes: int, pairs: int) -> list[float]:
    random = Random(3)
    drawn = (random.sample(range(1, nodes + 1), 2) for _ in range(pairs))
    return sorted((delays.one_way_ns(a, b) + delays.one_way_ns(b, a)) / 1e6 for a, b in drawn)


@pytest.mark.parametrize(("name", "tolerance"), [("planetlab", 0.04), ("coordinates", 0.05)])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_pairs_have_the_measured_quantiles(name: str, tolerance: float, seed: int) -> None:
    rtts = rtts_ms(model(name, seed), nodes=2000, pairs=20_000)
    found = [rtts[int(share * len(rtts))] for share, _ in MEASURED]
    assert found == pytest.approx([ms for _, ms in MEASURED], rel=tolerance)


@pytest.mark.parametrize(
    ("name", "least", "most"), [("planetlab", 0.58, 0.64), ("coordinates", 0.03, 0.07), ("fixed", 0, 0)]
)
def test_the_share_of_triangles_that_are_none_is_as_stated(name: str, least: float, most: float) -> None:
    delays, random = model(name), Random(4)
    violated = 0
    for _ in range(5000):
        a, b, c = random.sample(range(1, 500), 3)
        sides = sorted(delays.one_way_ns(*pair) for pair in ((a, b), (b, c), (a, c)))
        violated += sides[2] > sides[0] + sides[1]
    assert least <= violated / 5000 <= most


def test_uniform_pairs_lie_evenly_between_the_bounds() -> None:
    rtts = rtts_ms(model("uniform"), nodes=500, pairs=10_000)
    assert 10 <= rtts[0] < 11
    assert 89 < rtts[-1] <= 90
    assert rtts[len(rtts) // 2] == pytest.approx(50, rel=0.03)
    assert rtts[len(rtts) // 4] == pytest.approx(30, rel=0.05)


@pytest.mark.parametrize("name", ["planetlab", "coordinates", "uniform", "fixed"])
def test_both_directions_are_alike_and_depend_on_the_seed_alone(name: str) -> None:
    first, again, other = model(name), model(name), model(name, seed=2)
    pairs = list(combinations(range(1, 40), 2))
    there = [first.one_way_ns(a, b) for a, b in pairs]
    assert there == [first.one_way_ns(b, a) for a, b in pairs]
    # Asked in another order: no pair's delay depends on which were asked for before.
    assert there == [again.one_way_ns(a, b) for a, b in reversed(pairs)][::-1]
    assert (there == [other.one_way_ns(a, b) for a, b in pairs]) == (name == "fixed")


def test_the_pairs_of_one_node_are_as_different_as_any() -> None:
    delays = model("planetlab")
    of_one = [delays.one_way_ns(7, b) for b in range(8, 1008)]
    assert len(dict.fromkeys(of_one)) > 800
    assert sorted(of_one)[500] / 1e6 == pytest.approx(135 / 2, rel=0.1)


@pytest.mark.parametrize("name", ["planetlab", "coordinates", "fixed"])
def test_asymmetry_keeps_the_round_trip_and_its_limit(name: str) -> None:
    symmetric, delays = model(name), model(name, asymmetry=0.4)
    shifts = []
    for a, b in combinations(range(1, 40), 2):
        there, back = delays.one_way_ns(a, b), delays.one_way_ns(b, a)
        assert there + back == 2 * symmetric.one_way_ns(a, b)
        shifts.append((there - back) / (there + back))
    assert -0.4 <= min(shifts) < -0.35
    assert 0.35 < max(shifts) <= 0.4


def test_a_small_network_has_every_cluster_s_share_too() -> None:
    places = delays_of(World(5), Latency(model="coordinates"))
    clusters = [places.cluster(node) for node in range(1, 101)]  # type: ignore[attr-defined]
    for number, (share, *_) in enumerate(CLUSTERS):
        assert clusters.count(number) == pytest.approx(100 * share, abs=2)


def test_the_quantiles_go_through_the_measured_points() -> None:
    assert [rtt_quantile_ms(share) for share, _ in RTT_QUANTILES_MS] == pytest.approx(
        [ms for _, ms in RTT_QUANTILES_MS]
    )
    assert rtt_quantile_ms(0.375) == pytest.approx((59 + 135) / 2)
