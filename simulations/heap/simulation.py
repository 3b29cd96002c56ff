"""One run of tier T1: a population of real Overlays on one heap of events, and all that happens to it.

    start       the hosts come, one after the other or all at once with full tables (population/)
    settling    values are put, tables fill
    measured    the workload runs; hosts come and go; partitions, faults and adversaries do what the scenario says

A run goes on in slices. Between two of them it can be looked at, ended, or put aside: all its state hangs on the
HeapRun, and `run` on one that was put aside goes on where it stood.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from ...wire.crypto import Crypto
from ..adversaries import build_adversaries
from ..checkpoint.kept_ciphers import KeptCiphers
from ..checks import build_checks
from ..cipher_suite import SimulatedCrypto
from ..course.collector import Collector, shared_contacts
from ..course.figures import curves_of, figures_of
from ..course.happenings import Happenings
from ..course.looking import Looking
from ..course.phases import Phases
from ..course.reporter import Reporter
from ..course.sampling import Sampling
from ..faults import build_faults
from ..network.network import Network
from ..outcome import Failure, Outcome, Progress, RunOptions
from ..population.arrivals import start_one_by_one
from ..population.host_mix import HostMix
from ..population.joining import Joining
from ..population.overlay_config import overlay_config
from ..population.population import Population
from ..population.warm_start import warm_start
from ..scenario.schema import Scenario
from ..workload.measurements import Measurements
from ..workload.meets import Meets
from ..workload.publishing import Publishing
from ..workload.workload import Workload
from ..world import World

logger = logging.getLogger(__name__)

SLICES = 2000
"""Parts of a run: ten thousand nodes for an hour take 0.3 s each, so Ctrl-C is heard and progress told in time."""

FAILURES_MAX = 100
"""Failures that are kept; the first is what matters."""


class HeapRun:
    """Compose a run of a scenario, and run it."""

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
        self.crypto: Crypto = KeptCiphers() if crypto == "real" else SimulatedCrypto()
        self.world = world or World(seed)
        self.network = Network(self.world, scenario)
        self.config = overlay_config(scenario)
        introducers, mix = scenario.population.introducers, HostMix(self.world, self.network, scenario)
        self.population = Population(self.world, self.network, self.config, self.crypto, introducers, mix)
        self.measurements = Measurements()
        self.joining = Joining(self.world, self.population, scenario.population)
        self._publishing = Publishing(self.world, self.population, scenario)
        self.workload = Workload(
            self.world, self.population, self.measurements, self._publishing, scenario.workload
        )
        self.meets = Meets(self.world, self.network, self.population, scenario.workload)
        self.phases = Phases.of(scenario)
        self.measured_from_s, self.end_s = self.phases.measured_from_s, self.phases.end_s
        self.cpu_s = 0.0
        """CPU time of the measured phase so far."""
        self.failures: list[Failure] = []
        self._crypto_name = crypto
        self._cpu_now = cpu_now
        self._collector = Collector()
        self._slices_done = 0
        self._broken = False
        self._happenings = Happenings(self)
        self.adversaries = build_adversaries(self)
        self.faults = build_faults(self)
        self.checks = build_checks(self)
        self._plan()
        self._looking = Looking(self.world, self.checks, scenario.checks.every, self._failed)

    def random(self, purpose: str) -> Random:
        """Return a stream of random numbers of its own for a purpose."""
        return self.world.random(0, purpose)

    def at_phase(self, seconds: float) -> float:
        """Return the virtual time of a moment of the measured phase."""
        return self.measured_from_s + seconds

    def run(self, options: RunOptions) -> Outcome:
        """Run to the end, or until it is told to stop, and return what was measured."""
        reporter = Reporter(options, SLICES, lambda: self.progress)
        with self._collector, shared_contacts(self.scenario.population.nodes):
            while not self._is_over and not options.stop():
                self._run_slice()
                reporter.slice_done()
        return self._outcome(interrupted=not self._is_over)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        lookups, gets = self.measurements.lookups, self.measurements.gets
        return Progress(
            virtual_s=self.world.now(),
            total_s=self.end_s,
            population=len(self.population.live),
            operations=len(lookups) + len(gets),
            succeeded=lookups.succeeded + gets.succeeded,
        )

    # what is planned

    def _plan(self) -> None:
        world, scenario = self.world, self.scenario
        if scenario.population.start == "warm":
            world.call_at(0.0, self._start_warm)
        else:
            start_one_by_one(world, self.population, scenario.population)
        self._happenings.plan()
        for adversary in self.adversaries:
            adversary.start()
        for fault in self.faults:
            fault.start()
        world.call_at(self.phases.settles_from_s, self._settle)
        world.call_at(self.measured_from_s, self._measure)

    def _start_warm(self) -> None:
        """Start everybody with the tables of a network that is old."""
        hosts = [self.population.create() for _ in range(self.scenario.population.nodes)]
        self.joining.is_on = False
        for host in hosts:
            host.start()
        self.joining.is_on = True
        reachable = self.population.reachable(hosts)
        warm_start(hosts, reachable, self.config.dht, self.random("warm start"), self.world.now())
        self._publishing.spread_s = self.phases.put_over_s
        for host in hosts:
            self.population.joined(host)
        self._publishing.spread_s = 0.0

    def _settle(self) -> None:
        self._collector.set_aside()
        self._publishing.begin(self.phases.put_over_s)

    def _measure(self) -> None:
        self.workload.run(self.measured_from_s, self.phases.asks_until_s)
        self.meets.run(self.measured_from_s, self.phases.asks_until_s)
        Sampling(
            self.world, self.network, self.population, self.measurements, self.phases, self._collector
        ).sample()

    # how it goes on

    @property
    def _is_over(self) -> bool:
        failed = bool(self.failures) and (self.scenario.checks.stop_at_first or self._broken)
        return failed or self._slices_done == SLICES

    def _run_slice(self) -> None:
        self._slices_done += 1
        cpu_began = self._cpu_now()
        until_s = self.end_s * self._slices_done / SLICES
        try:
            self.world.run_until(until_s)
        except Exception as error:
            logger.error("the run broke off at %.6f s", self.world.now(), exc_info=error)
            self._broken = True
            self._failed(self._broken_by(error))
        if self._slices_done == SLICES and not self._broken:
            self._looking.look()
        if until_s > self.measured_from_s:
            self.cpu_s += self._cpu_now() - cpu_began

    def _failed(self, failure: Failure) -> None:
        if len(self.failures) < FAILURES_MAX:
            self.failures.append(failure)

    def _broken_by(self, error: Exception) -> Failure:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        message = f"{type(error).__name__}: {error} ({where})"
        return Failure(
            check="error", at_s=self.world.now(), event=self.world.event, node=None, message=message
        )

    def _achieved(self) -> dict[str, float]:
        """Return what the adversaries achieved; of several of one kind the last is told of."""
        return {name: figure for party in self.adversaries for name, figure in party.figures().items()}

    def _outcome(self, interrupted: bool) -> Outcome:
        return Outcome(
            scenario=self.scenario,
            seed=self.seed,
            tier="heap",
            crypto=self._crypto_name,
            digest=self.network.digest(),
            events_digest=self.network.events_digest(),
            figures=figures_of(self) | self.meets.results.figures() | self._achieved(),
            curves=curves_of(self),
            failures=tuple(self.failures),
            interrupted=interrupted,
        )
