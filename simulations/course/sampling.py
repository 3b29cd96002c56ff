"""Note population and traffic at even times of the measured phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..network.network import Network
from ..workload.measurements import Measurements
from ..world import World
from .collector import Collector
from .phases import SAMPLES, Phases

MOMENT_S = 1e-6


class Living(Protocol):
    """A population, as far as it is counted here."""

    @property
    def live(self) -> Sequence[object]: ...

    @property
    def departures(self) -> int: ...


class Sampling:
    """Take the samples of one run; at each, let its garbage collector look whether it has to."""

    def __init__(
        self,
        world: World,
        network: Network,
        population: Living,
        measurements: Measurements,
        phases: Phases,
        collector: Collector,
    ) -> None:
        self._world = world
        self._network = network
        self._population = population
        self._measurements = measurements
        self._phases = phases
        self._collector = collector

    def sample(self) -> None:
        """Take one, and plan the next."""
        phases, live = self._phases, len(self._population.live)
        self._measurements.sample(self._world.now(), live, self._network.bytes)
        self._collector.look(self._population.departures, live)
        taken = self._measurements.sampled_s
        if len(taken) <= SAMPLES:
            # The last is a moment before the end: what is due at the very end is not run any more.
            length_s = phases.end_s - phases.measured_from_s
            next_s = phases.measured_from_s + length_s * len(taken) / SAMPLES
            self._world.call_at(min(next_s, phases.end_s - MOMENT_S), self.sample)
