"""What is made of the measured."""

from __future__ import annotations

import pytest

from mesh99.simulations.workload.measurements import (
    HOPS_MAX,
    Measurements,
    Operations,
    distribution,
    quantile,
)


def test_operations_are_counted() -> None:
    operations = Operations()
    assert (len(operations), operations.success, operations.hops_mean) == (0, 1.0, 0.0)
    for began_s, right in ((1.0, True), (2.0, False), (3.0, True), (4.0, True)):
        operations.add(began_s, 80.0, 3, right, 12)
    assert (len(operations), operations.success, operations.hops_mean) == (4, 0.75, 3.0)
    assert (operations.succeeded, operations.asked) == (3, 48)


def test_a_lookup_deeper_than_a_byte_is_kept_as_the_deepest() -> None:
    operations = Operations()
    operations.add(0.0, 1.0, HOPS_MAX + 50, True, 1)
    assert operations.hops[0] == HOPS_MAX


def test_success_over_time_is_by_when_they_began() -> None:
    operations = Operations()
    for began_s, right in ((10.0, True), (11.0, False), (25.0, True), (9.5, False)):
        operations.add(began_s, 1.0, 1, right, 1)
    assert operations.success_over_time(10.0, 5.0) == [(-5.0, 0.0), (0.0, 0.5), (15.0, 1.0)]


def test_samples_give_traffic_per_node() -> None:
    measurements = Measurements()
    for now_s, population, sent in ((100.0, 10, 5000), (110.0, 10, 7000), (120.0, 20, 10_000)):
        measurements.sample(now_s, population, sent)
    assert measurements.node_seconds == 10 * 10 + 10 * 15
    assert measurements.bytes_per_node_per_s == 5000 / 250
    assert measurements.population_over_time(100.0) == [(0.0, 10), (10.0, 10), (20.0, 20)]
    assert measurements.bytes_over_time(100.0) == [(10.0, 20.0), (20.0, 15.0)]


def test_listeners_hear_of_every_operation() -> None:
    measurements = Measurements()
    heard: list[tuple[str, float, float, int, bool]] = []
    measurements.listeners.append(lambda *told: heard.append(told))
    measurements.looked_up(1.0, 20.0, 2, True, 8)
    measurements.got(2.0, 30.0, 1, False, 3)
    assert heard == [("lookup", 1.0, 20.0, 2, True), ("get", 2.0, 30.0, 1, False)]


def test_quantiles_and_distributions() -> None:
    ascending = [float(value) for value in range(1, 101)]
    assert [quantile(ascending, share) for share in (0.0, 0.5, 1.0)] == [1.0, 50.0, 100.0]
    assert quantile([], 0.5) == 0.0
    curve = distribution(ascending)
    assert (curve[0], curve[-1]) == ((1.0, 0.01), (100.0, 1.0))
    assert all(share == pytest.approx(value / 100) for value, share in curve)
    assert distribution([]) == []
    assert distribution([3.0, 3.0, 3.0]) == [(3.0, 1.0)]
