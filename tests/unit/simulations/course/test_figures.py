"""Figures that need more than adding up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mesh99.simulations.course.figures import _healed_s
from mesh99.simulations.scenario.schema import Duration, Partition
from mesh99.simulations.workload.measurements import Measurements

TORN = Partition(at=Duration(10.0), lasts=Duration(90.0))


def _run(steps: str, partitions: tuple[Partition, ...] = (TORN,)) -> Any:
    """Make a run with measuring from 50 s: a lookup every 5 s after 150 s, `+` for right."""
    measurements = Measurements()
    for step, right in enumerate("-----" + steps):
        measurements.looked_up(125.0 + 5 * step + 1, 80.0, 2, right == "+", 9)
    scenario = SimpleNamespace(partition=partitions)
    return SimpleNamespace(scenario=scenario, measurements=measurements, measured_from_s=50.0)


@pytest.mark.parametrize(
    ("steps", "healed_s"),
    [
        ("+++++", 0.0),
        ("--+++", 10.0),
        ("-+-++--+++++", 35.0),
        ("-++-++", None),
        ("-----", None),
        ("++", None),
        ("", None),
    ],
)
def test_a_network_has_healed_when_it_is_right_three_times_in_a_row(
    steps: str, healed_s: float | None
) -> None:
    assert _healed_s(_run(steps)) == healed_s


def test_what_was_never_torn_does_not_heal() -> None:
    assert _healed_s(_run("+++++", ())) is None
