"""What the model takes from the nodes' configuration and from the scenario."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mesh99.dht.config import DhtConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.simulations.model.rules import Conditions, LookupRules, dead_share, quantile_s, session_share
from mesh99.simulations.population.lifetimes import mean_s
from mesh99.simulations.scenario.schema import (
    LOOKUP_COUNT,
    Adversary,
    Churn,
    Latency,
    Lifetimes,
    Links,
    Population,
    Scenario,
    Workload,
)
from mesh99.simulations.scenario.units import Duration, Share


def _scenario(**parts: Any) -> Scenario:
    return Scenario(name="test", about="A test.", **parts)


def test_the_rules_are_those_of_our_nodes() -> None:
    config, rules = DhtConfig(), LookupRules.of_nodes(_scenario())
    assert rules.bucket_size == config.bucket_size
    assert rules.count == rules.parallelism_wide == LOOKUP_COUNT
    assert rules.parallelism == config.parallelism
    assert rules.requests_max == config.lookup_requests_max
    assert rules.timeout_s == config.lookup_timeout_s
    assert rules.paths == 1


def test_time_outs_follow_the_round_trips_of_the_network() -> None:
    fast = LookupRules.of_nodes(
        _scenario(latency=Latency(model="fixed", one_way=Duration(0.01), jitter=Share(0.0)))
    )
    assert fast.slow_s == pytest.approx(0.08)
    assert fast.hedge_s == pytest.approx(0.02)
    assert fast.talk_s == pytest.approx((0.0, 0.08, 0.24))
    assert fast.fail_s == pytest.approx(0.56)
    assert set(OverlayConfig().dial_retries_s) < set(fast.call_s)
    slow = LookupRules.of_nodes(_scenario())
    assert slow.slow_s > 6 * fast.slow_s
    assert slow.fail_s == OverlayConfig().dial_timeout_s


def test_sessions_stand_in_small_networks_and_with_the_default_profile() -> None:
    small, huge = (_scenario(population=Population(nodes=nodes)) for nodes in (50, 10**6))
    assert session_share(small, OverlayConfig()) > 0.3
    assert session_share(huge, OverlayConfig()) < 0.001
    assert session_share(small, OverlayConfig.large()) < session_share(small, OverlayConfig())
    silent = _scenario(workload=Workload(lookups_every=None))
    assert session_share(silent, OverlayConfig()) == 0.0


def test_the_share_of_dead_entries_is_the_time_unnoticed_against_the_time_alive() -> None:
    sessions = Lifetimes(distribution="fixed", scale=Duration(1800.0))
    everybody_crashes = Churn(session=sessions, always_online=Share(0.0), graceful=Share(0.0))
    # A contact of half an hour is pinged after 900 s; half of that, and 3 s of calling in vain.
    assert dead_share(everybody_crashes) == pytest.approx(453 / (1800 + 453))
    assert dead_share(Churn(session=sessions, graceful=Share(1.0))) == 0.0


def test_measured_churn_leaves_the_share_of_dead_contacts_that_the_nodes_are_made_for() -> None:
    # DhtConfig.silent_share says 6 %, for a population in which everybody crashes.
    assert dead_share(Churn(always_online=Share(0.0), graceful=Share(0.0))) == pytest.approx(0.06, abs=0.015)


@pytest.mark.parametrize("distribution", ["weibull", "exponential", "pareto", "fixed"])
def test_quantiles_have_the_mean_of_their_distribution(distribution: Any) -> None:
    lifetimes = Lifetimes(distribution=distribution, shape=3.0, scale=Duration(100.0))
    mean = sum(quantile_s(lifetimes, (step + 0.5) / 10_000) for step in range(10_000)) / 10_000
    assert mean == pytest.approx(mean_s(lifetimes), rel=0.01)


def test_conditions_are_read_from_the_scenario() -> None:
    scenario = _scenario(
        population=Population(nodes=1000),
        links=Links(loss=Share(0.1), burst_loss=Share(0.5)),
        adversary=(Adversary(kind="sybil", share=Share(0.2)), Adversary(kind="sybil", count=5)),
    )
    conditions = Conditions.of(scenario)
    assert conditions.nodes == 1205
    assert conditions.colluders == 205
    assert conditions.dead_share == 0.0
    assert conditions.loss == pytest.approx(1 - 0.9 * 0.5)


def test_without_hedges_a_rule_never_hedges() -> None:
    assert math.isinf(LookupRules().hedge_s)
