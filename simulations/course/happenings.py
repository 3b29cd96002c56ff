"""What a scenario makes happen to its population: churn, crowds, partitions; each at its time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..population.arrivals import FlashCrowd
from ..population.churn import Churn
from ..population.churn_trace import ChurnTrace, read_changes
from ..scenario.schema import Partition
from ..scenario.units import count_of
from ..stage import Stage


class Happenings:
    """Plan them for one run."""

    def __init__(self, run: Stage) -> None:
        self._run = run
        self._random = run.random("partitions")
        settings = run.scenario.churn
        self.churn: Churn | None = None
        self._trace: ChurnTrace | None = None
        if settings is not None and settings.trace:
            self._trace = ChurnTrace(run.world, run.population, read_changes(Path(settings.trace)))
        elif settings is not None:
            self.churn = Churn(run.world, run.population, settings)

    def plan(self) -> None:
        """Put all into the heap."""
        run, churn = self._run, self.churn
        if churn is not None or self._trace is not None:
            run.world.call_at(run.measured_from_s, self._begin_churn)
        crowd = FlashCrowd(run.world, run.population, None if churn is None else churn.take_in)
        for arrival in run.scenario.arrival:
            crowd.announce(arrival, run.scenario.population.nodes, run.at_phase(arrival.at))
        for partition in run.scenario.partition:
            run.world.call_at(run.at_phase(partition.at), partial(self._part, partition))

    def _begin_churn(self) -> None:
        honest = list(self._run.population.honest_live)
        if self.churn is not None:
            self.churn.begin(honest)
        elif self._trace is not None:
            self._trace.begin(sorted(honest, key=lambda host: host.index))

    def _part(self, partition: Partition) -> None:
        """Cut a share of all hosts off, the absent ones too: where a machine stands does not depend on its being up."""
        run = self._run
        indexes = list(run.population.hosts)
        far = sorted(self._random.sample(indexes, count_of(partition.share, len(indexes))))
        if partition.kind == "swizzle-clog":
            run.network.partitions.swizzle_clog(far, partition.lasts)
            return
        handle = run.network.partitions.begin(partition.kind, far)
        run.world.call_at(run.world.now() + partition.lasts, partial(run.network.partitions.end, handle))
