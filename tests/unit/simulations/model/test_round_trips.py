"""Round trips have the scenario's quantiles, and requests are lost as often as packets say."""

from __future__ import annotations

import numpy as np
import pytest

from mesh99.simulations.model.mixing import stream
from mesh99.simulations.model.round_trips import RoundTrips, rtt_quantile_s
from mesh99.simulations.scenario.schema import Latency
from mesh99.simulations.scenario.units import Duration, Share

KEY = stream(1, "round trips", 1)
NODES, PEERS = np.arange(20_000), np.arange(20_000)[::-1].copy()
SERIALS = np.arange(20_000, dtype=np.uint64)


def test_pairs_have_the_measured_quantiles() -> None:
    round_trips = RoundTrips(Latency(jitter=Share(0.0)), 0.0, KEY)
    seconds = round_trips.seconds(NODES, PEERS, SERIALS)
    for share in (0.25, 0.5, 0.9):
        assert np.quantile(seconds, share) == pytest.approx(
            rtt_quantile_s(Latency(jitter=Share(0.0)), share), rel=0.05
        )
    assert (seconds == round_trips.seconds(PEERS, NODES, SERIALS)).all()


def test_uniform_pairs_lie_between_the_bounds() -> None:
    latency = Latency(model="uniform", jitter=Share(0.0))
    seconds = RoundTrips(latency, 0.0, KEY).seconds(NODES, PEERS, SERIALS)
    assert 0.01 <= seconds.min() <= seconds.max() <= 0.09
    assert np.quantile(seconds, 0.25) == pytest.approx(rtt_quantile_s(latency, 0.25), rel=0.05)


def test_jitter_is_a_request_s_own_and_within_its_share() -> None:
    round_trips = RoundTrips(Latency(model="fixed", one_way=Duration(0.5)), 0.0, KEY)
    seconds = round_trips.seconds(NODES, PEERS, SERIALS)
    assert seconds.min() >= 1.0
    assert seconds.max() <= 1.1
    assert seconds.mean() == pytest.approx(1.05, abs=0.001)
    assert len(np.unique(seconds)) == len(seconds)


def test_a_request_fails_when_either_of_its_packets_is_lost() -> None:
    failed = RoundTrips(Latency(), 0.1, KEY).failed_tries(PEERS, SERIALS)
    assert (failed > 0).mean() == pytest.approx(0.19, abs=0.01)
    assert (failed > 1).mean() == pytest.approx(0.19**2, abs=0.005)
    assert not RoundTrips(Latency(), 0.0, KEY).failed_tries(PEERS, SERIALS).any()
