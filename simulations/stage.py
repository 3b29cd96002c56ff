"""What adversaries, checks and faults need of a run: HeapRun has it, and so has every test's small stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

from ..wire.crypto import Crypto
from .network.network import Network
from .population.joining import Joining
from .population.population import Population
from .scenario.schema import Scenario
from .workload.measurements import Measurements
from .workload.workload import Workload
from .world import World


class Stage(Protocol):
    """A run, seen from what happens in it."""

    @property
    def world(self) -> World: ...

    @property
    def network(self) -> Network: ...

    @property
    def scenario(self) -> Scenario: ...

    @property
    def population(self) -> Population: ...

    @property
    def joining(self) -> Joining: ...

    @property
    def workload(self) -> Workload: ...

    @property
    def measurements(self) -> Measurements: ...

    @property
    def adversaries(self) -> Sequence[object]: ...

    @property
    def crypto(self) -> Crypto: ...

    @property
    def measured_from_s(self) -> float:
        """Virtual time at which measuring begins."""
        ...

    def random(self, purpose: str) -> Random:
        """Return a stream of random numbers of its own for a purpose."""
        ...

    def at_phase(self, seconds: float) -> float:
        """Return the virtual time of a moment of the measured phase."""
        ...
