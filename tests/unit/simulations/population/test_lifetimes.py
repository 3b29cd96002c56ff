"""Lifetimes: their means, and that what is left of a lifetime met at a random moment is drawn as it should be."""

from __future__ import annotations

from math import exp, inf
from random import Random
from statistics import fmean

import pytest

from mesh99.simulations.population.lifetimes import draw_s, mean_s, residual_s
from mesh99.simulations.scenario.schema import Duration, Lifetimes

HOUR = 3600.0
WEIBULL = Lifetimes(distribution="weibull", shape=0.608, scale=Duration(3.66 * HOUR))
EXPONENTIAL = Lifetimes(distribution="exponential", scale=Duration(HOUR))
PARETO = Lifetimes(distribution="pareto", shape=4.0, scale=Duration(HOUR))
FIXED = Lifetimes(distribution="fixed", scale=Duration(HOUR))
ALL = [WEIBULL, EXPONENTIAL, PARETO, FIXED]


@pytest.mark.parametrize("lifetimes", ALL, ids=lambda each: each.distribution)
def test_the_mean_of_many_is_the_mean(lifetimes: Lifetimes) -> None:
    random = Random(1)
    drawn = [draw_s(lifetimes, random) for _ in range(40_000)]
    assert fmean(drawn) == pytest.approx(mean_s(lifetimes), rel=0.04)


def test_the_default_is_the_measured_week() -> None:
    random = Random(2)
    drawn = sorted(draw_s(WEIBULL, random) for _ in range(20_000))
    assert mean_s(WEIBULL) == pytest.approx(5.4 * HOUR, rel=0.01)
    assert drawn[len(drawn) // 2] == pytest.approx(2 * HOUR, rel=0.05)
    assert sum(each < HOUR / 4 for each in drawn) / len(drawn) == pytest.approx(0.18, abs=0.01)


def test_a_pareto_distribution_of_a_small_shape_has_no_mean() -> None:
    assert mean_s(Lifetimes(distribution="pareto", shape=1.0)) == inf


@pytest.mark.parametrize("lifetimes", ALL, ids=lambda each: each.distribution)
def test_the_residual_is_what_somebody_meets_who_comes_at_a_random_moment(lifetimes: Lifetimes) -> None:
    """Lay many lifetimes end to end, come at random moments, and compare the quartiles of what is left."""
    random = Random(3)
    ends = [0.0]
    for _ in range(100_000):
        ends.append(ends[-1] + draw_s(lifetimes, random))
    met = _left_at_random_moments(ends, 20_000, random)
    drawn = sorted(residual_s(lifetimes, random) for _ in range(20_000))
    for share in (0.25, 0.5, 0.75):
        place = int(share * len(drawn))
        assert drawn[place] == pytest.approx(met[place], rel=0.08)


def test_the_residual_of_an_exponential_lifetime_is_like_a_new_one() -> None:
    random = Random(4)
    drawn = [residual_s(EXPONENTIAL, random) for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(HOUR, rel=0.03)
    assert sum(each > HOUR for each in drawn) / len(drawn) == pytest.approx(exp(-1), abs=0.01)


def _left_at_random_moments(ends: list[float], count: int, random: Random) -> list[float]:
    moments = sorted(random.uniform(0, ends[-1]) for _ in range(count))
    left, at = [], 0
    for moment in moments:
        while ends[at] < moment:
            at += 1
        left.append(ends[at] - moment)
    return sorted(left)
