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
from ..course.collector import Collector
from ..course.figures import curves_of, figures_of, operations_figures
from ..course.happenings import Happenings
from ..course.looking import Looking
from ..course.phases import Phases
from ..course.reporter import Reporter
from ..course.sampling import Sampling
from ..faults import build_faults
from ..host import index_of
from ..network.network import Network
from ..outcome import Failure, Outcome, Progress, RunOptions
from ..scenario.schema import Scenario
from ..stage import Stage
from ..workload.measurements import Measurements
from ..world import World
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
        self.phases = Phases.of(scenario)
        self.measured_from_s, self.end_s = self.phases.measured_from_s, self.phases.end_s
        self.cpu_s = 0.0
        """CPU time of the measured phase."""
        self.failures: list[Failure] = []
        # Seats have what faults, checks and happenings ask of hosts; those name the type of the heap's.
        stage = cast(Stage, self)
        self.faults = build_faults(stage)
        self._crypto_name = crypto
        self._cpu_now = cpu_now
        self._collector = Collector()
        self._happenings = Happenings(stage)
        self.adversaries: Sequence[object] = ()
        self.checks = self.make_checks(stage)

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

    def make_checks(self, stage: Stage) -> list[Check]:
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
        world, nodes, over_s = self.world, self.scenario.population.nodes, self.phases.settles_from_s
        for number in range(nodes):
            world.call_at(world.now() + number * over_s / nodes, self._start_one)
        world.call_at(over_s, self._settle)
        world.call_at(self.measured_from_s, self._measure)
        Looking(world, self.checks, self.scenario.checks.every, self.failures.append)
        self._happenings.plan()
        for fault in self.faults:
            fault.start()

    def _start_one(self) -> None:
        self.population.start_new()

    def _settle(self) -> None:
        self._collector.set_aside()
        self.workload.put_all(self.phases.put_over_s)

    def _measure(self) -> None:
        self.workload.run(self.measured_from_s, self.phases.asks_until_s)
        Sampling(
            self.world, self.network, self.population, self.measurements, self.phases, self._collector
        ).sample()

    async def _pass_time(self, options: RunOptions) -> bool:
        """Let time pass in slices; false when it was stopped before the end."""
        reporter = Reporter(options, SLICES, self._progress)
        for number in range(1, SLICES + 1):
            if options.stop():
                return False
            cpu_began, until_s = self._cpu_now(), self.end_s * number / SLICES
            await asyncio.sleep(until_s - self.world.now())
            if until_s > self.measured_from_s:
                self.cpu_s += self._cpu_now() - cpu_began
            reporter.slice_done()
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

    def _figures_of_agents(self) -> dict[str, float]:
        """Return what agents do besides."""
        figures = operations_figures("request", self.workload.requests)
        if self.scenario.workload.keys:
            figures |= {"puts": self.workload.puts, "puts_failed": self.workload.puts_failed}
        return figures

    def _outcome(self, interrupted: bool) -> Outcome:
        return Outcome(
            scenario=self.scenario,
            seed=self.seed,
            tier=self.tier,
            crypto=self._crypto_name,
            digest=self.network.digest(),
            events_digest=self.network.events_digest(),
            figures=figures_of(self) | self._figures_of_agents() | self.more_figures(),
            curves=curves_of(self),
            failures=tuple(self.failures),
            interrupted=interrupted,
        )
