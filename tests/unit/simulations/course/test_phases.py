"""When what begins in a run."""

from __future__ import annotations

from typing import Any

from mesh99.simulations.course.phases import LAST_S, PUT_SHARE, Phases
from mesh99.simulations.scenario.schema import Population, Scenario


def _phases(**settings: Any) -> Phases:
    return Phases.of(Scenario(name="phases", about="A test.", **settings))


def test_one_phase_follows_another() -> None:
    phases = _phases(population=Population(nodes=50), settle=20.0, duration=60.0)
    assert phases.settles_from_s == 5.0
    assert phases.put_over_s == 20.0 * PUT_SHARE
    assert phases.measured_from_s == 25.0
    assert phases.asks_until_s == 85.0 - LAST_S
    assert phases.end_s == 85.0


def test_a_short_run_measures_something_too() -> None:
    phases = _phases(population=Population(start="warm"), settle=1.0, duration=4.0)
    assert phases.measured_from_s == 1.0
    assert phases.asks_until_s == 4.0
