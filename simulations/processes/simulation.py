"""Run a scenario with real processes, in real time: joins and lookups as in tier T1, over sockets of this machine.

What real processes on one machine cannot have (NAT boxes, partitions, adversaries, ...) is refused, not left out.
The digest covers what was found, not the packets: real time is never the same twice.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from hashlib import blake2b

from msgspec import structs

from ...node.overlay.config import OverlayConfig
from ...wire.errors import ConfigError
from ...wire.identity import NodeId, PublicKey
from ..outcome import Curve, Outcome, Progress, RunOptions
from ..population.nearest import NearestIndex
from ..scenario.schema import Links, Scenario, Workload
from ..workload.measurements import Measurements, distribution, quantile
from .cluster import Cluster
from .orders import Counts, LookedUp, Setup
from .plan import Plan, PlannedJoin, PlannedLookup, plan_of

PROCESSES_MAX = 16
"""Child processes; 25 MB each. More nodes share them."""

NODES_MAX = 320
"""Nodes: more than twenty a process keep a core so busy that the delays are the processor's, not the scenario's."""

LOOK_S = 0.1
"""How often it is asked whether to stop."""

REPORT_S = 1.0
"""How often progress is told."""


def run(
    scenario: Scenario, seed: int, options: RunOptions, *, config: OverlayConfig | None = None
) -> Outcome:
    """Run a scenario in processes; `config` takes the place of its profile's."""
    check(scenario)
    setup = setup_of(scenario, seed, options.crypto, config)
    return asyncio.run(ProcessRun(scenario, seed, setup, options).run())


def check(scenario: Scenario) -> None:
    """Refuse what processes on one machine cannot do; raises ConfigError."""
    hint = "take tier = 'heap'"
    plain = Scenario(name=scenario.name, about=scenario.about)
    for field in ("nat", "churn", "arrival", "partition", "fault", "adversary"):
        if getattr(scenario, field) != getattr(plain, field):
            raise ConfigError(field, "real processes cannot have it", hint)
    if structs.replace(scenario.links, loss=Links().loss) != Links():
        raise ConfigError("links", "real processes can have `loss` only", hint)
    if structs.replace(scenario.workload, lookups_every=None) != Workload(lookups_every=None):
        raise ConfigError("workload", "real processes can have `lookups_every` only", hint)
    if scenario.population.start != "join":
        raise ConfigError("population.start", "real processes can only join", "write start = 'join'")
    if scenario.population.nodes > NODES_MAX:
        raise ConfigError("population.nodes", f"must be at most {NODES_MAX} for real processes", hint)


def setup_of(scenario: Scenario, seed: int, crypto: str, config: OverlayConfig | None = None) -> Setup:
    """Return what every child is told first."""
    profile = OverlayConfig.large() if scenario.population.is_large else OverlayConfig()
    latency = {
        name: value if isinstance(value, str) else float(value)
        for name, value in structs.asdict(scenario.latency).items()
    }
    return Setup(
        seed=seed,
        crypto=crypto,
        latency=latency,
        loss=float(scenario.links.loss),
        config=config or replace(profile, network="simulation", allow_tcp=False, aes=True),
    )


class ProcessRun:
    """One run."""

    def __init__(self, scenario: Scenario, seed: int, setup: Setup, options: RunOptions) -> None:
        self._scenario = scenario
        self._seed = seed
        self._setup = setup
        self._options = options
        self._plan: Plan = plan_of(scenario, seed)
        self._measurements = Measurements()
        self._nearest = NearestIndex()
        self._joined_ms: list[float] = []
        self._found: dict[PlannedLookup, LookedUp] = {}
        self._began_s = 0.0
        self._bytes_before = 0

    async def run(self) -> Outcome:
        """Run to the end, or until it is told to stop, and return what was measured."""
        async with Cluster(self._setup, min(self._scenario.population.nodes, PROCESSES_MAX)) as cluster:
            self._began_s = time.monotonic()
            going = asyncio.create_task(self._go(cluster))
            reporting = asyncio.create_task(self._report())
            while not going.done() and not self._options.stop():
                await asyncio.wait([going], timeout=LOOK_S)
            interrupted = not going.done()
            going.cancel()
            reporting.cancel()
            if not interrupted:
                await _alone(going)
            return self._outcome(await cluster.counts(), interrupted)

    async def _go(self, cluster: Cluster) -> None:
        plan = self._plan
        async with asyncio.TaskGroup() as tasks:
            for join in plan.joins:
                await self._until(join.at_s)
                await cluster.start(join.index)
                tasks.create_task(self._join(cluster, join))
        await self._until(plan.measured_from_s)
        self._bytes_before = (await cluster.counts()).bytes
        async with asyncio.TaskGroup() as tasks:
            for lookup in plan.lookups:
                await self._until(lookup.at_s)
                tasks.create_task(self._look_up(cluster, lookup))
            await self._until(plan.end_s)

    async def _join(self, cluster: Cluster, join: PlannedJoin) -> None:
        retry_s = float(self._scenario.population.retry)
        took_s = await cluster.join(join.index, join.introducers, retry_s)
        if join.introducers:
            self._joined_ms.append(took_s * 1000)
        self._nearest.add(PublicKey(bytes.fromhex(cluster.peers[join.index].key)).node_id)

    async def _look_up(self, cluster: Cluster, lookup: PlannedLookup) -> None:
        answer = await cluster.look_up(lookup.index, lookup.target)
        own_id = PublicKey(bytes.fromhex(cluster.peers[lookup.index].key)).node_id
        nearest = self._nearest.nearest(lookup.target, exclude=own_id)
        right = [NodeId(bytes.fromhex(each)) for each in answer.nearest[:1]] == nearest
        began_s = lookup.at_s
        self._measurements.looked_up(began_s, answer.took_s * 1000, answer.depth, right, answer.asked)
        self._found[lookup] = answer

    def _now(self) -> float:
        return time.monotonic() - self._began_s

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._now()))

    async def _report(self) -> None:
        while self._options.on_progress is not None:
            self._options.on_progress(self._progress())
            await asyncio.sleep(REPORT_S)

    def _progress(self) -> Progress:
        lookups = self._measurements.lookups
        return Progress(
            virtual_s=self._now(),
            total_s=self._plan.end_s,
            population=len(self._nearest),
            operations=len(lookups),
            succeeded=lookups.succeeded,
        )

    def _outcome(self, counts: Counts, interrupted: bool) -> Outcome:
        digest = self._digest()
        curves: dict[str, Curve] = {"latency_cdf": distribution(sorted(self._measurements.lookups.took_ms))}
        return Outcome(
            scenario=self._scenario,
            seed=self._seed,
            tier="processes",
            crypto=self._setup.crypto,
            digest=digest,
            events_digest=digest,
            figures=self._figures(counts),
            curves={name: curve for name, curve in curves.items() if curve},
            interrupted=interrupted,
        )

    def _figures(self, counts: Counts) -> dict[str, float]:
        lookups, nodes = self._measurements.lookups, self._scenario.population.nodes
        took_ms, measured_s = sorted(lookups.took_ms), self._now() - self._plan.measured_from_s
        sent = counts.bytes - self._bytes_before
        figures: dict[str, float] = {
            "nodes": nodes,
            "virtual_s": round(self._now(), 3),
            "joined": len(self._nearest),
            "join_p50_ms": round(quantile(sorted(self._joined_ms), 0.5), 1),
            "lookups": len(lookups),
            "rpcs": sum(counts.requests.values()),
            "packets": counts.packets,
            "bytes_per_node_per_s": round(sent / nodes / measured_s, 1) if measured_s > 0 else 0.0,
        }
        if took_ms:
            figures |= {
                "lookup_success": round(lookups.success, 6),
                "lookup_p50_ms": round(quantile(took_ms, 0.5), 1),
                "lookup_p99_ms": round(quantile(took_ms, 0.99), 1),
                "hops_mean": round(lookups.hops_mean, 3),
                "rpcs_per_lookup": round(lookups.asked / len(lookups), 2),
            }
        return figures

    def _digest(self) -> str:
        digest = blake2b(digest_size=32)
        for lookup in self._plan.lookups:
            if lookup in self._found:
                digest.update(lookup.target + bytes.fromhex("".join(self._found[lookup].nearest)))
        return digest.hexdigest()


async def _alone(going: asyncio.Task[None]) -> None:
    """Wait for a task that runs others, and raise the error of the first that failed as it is."""
    try:
        await going
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
