"""One run of a population of asyncio programs: what they are made of is left to subclasses.

    start       the members come, one after the other
    settling    values are put, tables fill
    measured    the workload runs; members come and go; partitions and faults do what the scenario says

Churn, crowds and partitions are those of the heap's tier: a seat is switched on and off as a host is.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from random import Random
from typing import cast

from ...wire.crypto import REAL, Crypto
from ..checks.check import Check
from ..cipher_suite import SimulatedCrypto
from ..faults import build_faults
from ..heap.collector import Collector
from ..heap.happenings import Happenings
from ..heap.simulation import LAST_S, LAST_SHARE, PUT_SHARE, SAMPLES, HeapRun
from ..network.network import Network
from ..outcome import Failure, Outcome, Progress, RunOptions
from ..population.arrivals import join_over_s
from ..scenario.schema import Scenario
from ..stage import Stage
from ..workload.measurements import Measurements
from ..world import World
from .figures import curves_of, figures_of
from .host import index_of
from .member import Member
from .population import Population
from .seat import Seat
from .silence import silenced
from .sockets import Sockets
from .virtual_loop import VirtualLoop
from .workload import Workload

SLICES = 400
"""Parts of a run; between two of them it is asked whether to stop, and progress is told."""

LOGGERS = ("mesh99.node", "mesh99.registry", "asyncio")
"""They tell people of what goes wrong; here that is the subject, and the time in their lines would be wrong."""


class SignedCrypto(SimulatedCrypto):
    """The simulated cipher suite with real signatures: a registry checks them as it does those of strangers."""

    sign = Crypto.sign
    verify = Crypto.verify


class MembersRun(ABC):
    """Compose a run, and run it; subclasses say what a member is."""

    tier = "agents"

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        crypto: str = "simulated",
        world: World | None = None,
        cpu_now: Callable[[], float] = time.process_time,
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.crypto: Crypto = REAL if crypto == "real" else SignedCrypto()
        self.world = world or World(seed)
        self.network = Network(self.world, scenario)
        self.sockets = Sockets(self.network, index_of)
        self.loop = VirtualLoop(self.world, self.sockets)
        self.population = Population(self.world, self.loop, scenario.population, self.make)
        self.joining = self.population
        self.measurements = Measurements()
        self.workload = Workload(
            self.world, self.population, self.measurements, scenario.workload, self.ask if self.asks else None
        )
        self.measured_from_s = join_over_s(scenario.population) + scenario.settle
        self.end_s = self.measured_from_s + scenario.duration
        self.cpu_s = 0.0
        """CPU time of the measured phase."""
        self.failures: list[Failure] = []
        # Seats have what these ask of hosts; their types name those of the heap, for which they were written.
        self.faults = build_faults(cast(Stage, self))
        self._crypto_name = crypto
        self._cpu_now = cpu_now
        self._collector = Collector()
        self._happenings = Happenings(cast(HeapRun, self))
        self.adversaries: Sequence[object] = ()
        self.checks = self.make_checks()

    # what subclasses say

    asks = False
    """Whether members can ask each other something."""

    @abstractmethod
    def make(self, index: int) -> Member:
        """Make a member, switched off."""

    async def begin(self) -> None:  # noqa: B027
        """Prepare what the members need; nothing, unless a subclass says so."""

    async def end(self) -> None:  # noqa: B027
        """Take it away."""

    async def ask(self, seat: Seat, random: Random) -> bool:
        """Let a member ask another; true when the answer was right."""
        return False

    def make_checks(self) -> list[Check]:
        """Return what is to hold all the time."""
        return []

    def more_figures(self) -> dict[str, float]:
        """Return figures that only such members have."""
        return {}

    # what happenings and faults ask

    def random(self, purpose: str) -> Random:
        """Return a stream of random numbers of its own for a purpose."""
        return self.world.random(0, purpose)

    def at_phase(self, seconds: float) -> float:
        """Return the virtual time of a moment of the measured phase."""
        return self.measured_from_s + seconds

    # running

    def run(self, options: RunOptions) -> Outcome:
        """Run to the end, or until it is told to stop, and return what was measured."""
        with Collector() as self._collector, silenced(LOGGERS):
            try:
                return self.loop.run_until_complete(self._run(options))
            finally:
                self.loop.close()

    async def _run(self, options: RunOptions) -> Outcome:
        await self.begin()
        self._plan()
        finished = await self._pass_time(options)
        outcome = self._outcome(interrupted=not finished)
        await self._leave()
        return outcome

    def _plan(self) -> None:
        population, world = self.scenario.population, self.world
        over_s = join_over_s(population)
        for number in range(population.nodes):
            world.call_at(world.now() + number * over_s / population.nodes, self._start_one)
        world.call_at(self.measured_from_s - self.scenario.settle, self._settle)
        world.call_at(self.measured_from_s, self._measure)
        if self.checks:
            world.call_at(self.scenario.checks.every, self._look)
        self._happenings.plan()
        for fault in self.faults:
            fault.start()

    def _start_one(self) -> None:
        self.population.start_new()

    def _settle(self) -> None:
        self._collector.set_aside()
        self.workload.put_all(self.scenario.settle * PUT_SHARE)

    def _measure(self) -> None:
        last_s = min(LAST_S, LAST_SHARE * self.scenario.duration)
        self.workload.run(self.measured_from_s, self.end_s - last_s)
        self._sample()

    def _sample(self) -> None:
        self.measurements.sample(self.world.now(), len(self.population.live), self.network.bytes)
        self._collector.look(self.population.departures, len(self.population.live))
        next_s = self.world.now() + self.scenario.duration / SAMPLES
        if next_s < self.end_s:
            self.world.call_at(next_s, self._sample)

    def _look(self) -> None:
        for check in self.checks:
            failure = check.look(self.world.now())
            if failure is not None:
                self.failures.append(failure)
        self.world.call_at(self.world.now() + self.scenario.checks.every, self._look)

    async def _pass_time(self, options: RunOptions) -> bool:
        """Let time pass in slices; false when it was stopped before the end."""
        for number in range(1, SLICES + 1):
            if options.stop():
                return False
            cpu_began, until_s = self._cpu_now(), self.end_s * number / SLICES
            await asyncio.sleep(until_s - self.world.now())
            if until_s > self.measured_from_s:
                self.cpu_s += self._cpu_now() - cpu_began
            if options.on_progress is not None:
                options.on_progress(self._progress())
            self._note_errors()
            if self.failures and self.scenario.checks.stop_at_first:
                break
        return True

    def _note_errors(self) -> None:
        errors, self.loop.failures = self.loop.failures, []
        for error in errors:
            message = f"{type(error).__name__}: {error}"
            at_s, event = self.world.now(), self.world.event
            self.failures.append(Failure(check="error", at_s=at_s, event=event, node=None, message=message))

    async def _leave(self) -> None:
        """Free everybody: after the end nothing counts any more."""
        for seat in list(self.population.live):
            seat.stop(graceful=False)
        for seat in self.population.hosts.values():
            await seat.ended()
        await self.end()

    def _progress(self) -> Progress:
        kinds = (self.measurements.lookups, self.measurements.gets, self.workload.requests)
        return Progress(
            virtual_s=self.world.now(),
            total_s=self.end_s,
            population=len(self.population.live),
            operations=sum(len(kind) for kind in kinds),
            succeeded=sum(kind.succeeded for kind in kinds),
        )

    def _outcome(self, interrupted: bool) -> Outcome:
        return Outcome(
            scenario=self.scenario,
            seed=self.seed,
            tier=self.tier,
            crypto=self._crypto_name,
            digest=self.network.digest(),
            events_digest=self.network.events_digest(),
            figures=figures_of(self) | self.more_figures(),
            curves=curves_of(self),
            failures=tuple(self.failures),
            interrupted=interrupted,
        )
