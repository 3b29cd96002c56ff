"""When population and traffic are noted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mesh99.simulations.course.phases import SAMPLES, Phases
from mesh99.simulations.course.sampling import Sampling
from mesh99.simulations.scenario.schema import Population, Scenario
from mesh99.simulations.workload.measurements import Measurements
from mesh99.simulations.world import World


def test_samples_are_even_and_the_last_is_at_the_end() -> None:
    settings: dict[str, Any] = {"duration": 50.0, "settle": 10.0, "population": Population(start="warm")}
    phases = Phases.of(Scenario(name="samples", about="A test.", **settings))
    world, measurements, looked = World(1), Measurements(), list[tuple[int, int]]()
    population: Any = SimpleNamespace(live=["one", "two"], departures=3)
    network: Any = SimpleNamespace(bytes=100)
    collector: Any = SimpleNamespace(look=lambda *facts: looked.append(facts))
    sampling = Sampling(world, network, population, measurements, phases, collector)
    world.call_at(phases.measured_from_s, sampling.sample)
    world.run_until(phases.end_s)
    times = list(measurements.sampled_s)
    assert len(times) == SAMPLES + 1
    assert times[0] == pytest.approx(10.0)
    assert times[1] == pytest.approx(10.25)
    assert times[-1] == pytest.approx(60.0, abs=1e-5)
    assert list(measurements.population) == [2] * len(times)
    assert looked == [(3, 2)] * len(times)
