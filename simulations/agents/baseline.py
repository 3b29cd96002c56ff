"""The stock `kademlia` library on the same network, under the same workload, churn and partitions as ours.

The same seed gives the same delays between the same machines, the same moments at which the same members act, and the
same ids that they look up (its own are 20 bytes long: the first of ours). What it has no counterpart for (requests,
disks, a registry) is left out, and so are faults that reach into our code.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from msgspec import structs

from ..outcome import Outcome, RunOptions
from ..scenario.schema import Scenario
from .host import Machine
from .kademlia_network import StockMember, library_world
from .members_run import MembersRun
from .seat import Seat

FAULTS = ("crash", "restart", "disk-loss")
"""Those that switch machines off and on."""

FIGURES = (
    "lookup_success",
    "lookup_p50_ms",
    "lookup_p99_ms",
    "get_success",
    "get_p50_ms",
    "get_p99_ms",
    "rpcs_per_lookup",
    "joined",
    "join_p50_ms",
    "bytes_per_node_per_s",
)
"""What is shown beside ours, where there is any."""

CURVES = ("lookup_success", "latency_cdf", "bytes_per_node_per_s", "heal")


class StockRun(MembersRun):
    """A population of the library's servers."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        faults = tuple(fault for fault in scenario.fault if fault.kind in FAULTS)
        super().__init__(structs.replace(scenario, fault=faults, adversary=()), seed)
        self.library_errors = 0
        """Errors of its tasks that nobody caught; they are its own."""
        self.population.on_up.append(self._see_it_join)

    def make(self, index: int) -> StockMember:
        """Make a server, switched off."""
        return StockMember(Machine(self.world, self.network, index, self.crypto))

    def run(self, options: RunOptions) -> Outcome:
        """Run with the library in this world."""
        with library_world(self.world):
            return super().run(options)

    def _see_it_join(self, seat: Seat) -> None:
        seat.run(self._join_until_joined(seat))

    async def _join_until_joined(self, seat: Seat) -> None:
        """Try again through others, as every program that embeds the library has to."""
        member = seat.member
        assert isinstance(member, StockMember), "that is who sits here"
        retry_s = self.scenario.population.retry
        while True:
            await asyncio.sleep(retry_s)
            if not member.joined:
                await member.join_again(self.population.introducers(seat))

    def _note_errors(self) -> None:
        self.library_errors += len(self.loop.failures)
        self.loop.failures.clear()


def with_baseline(outcome: Outcome, options: RunOptions) -> Outcome:
    """Run the library under the scenario and seed of an outcome; add its figures and curves as `baseline_...`."""
    if outcome.interrupted:
        return outcome
    stock = StockRun(outcome.scenario, outcome.seed).run(options)
    figures = {f"baseline_{name}": stock.figures[name] for name in FIGURES if name in stock.figures}
    curves = {f"baseline_{name}": stock.curves[name] for name in CURVES if name in stock.curves}
    return replace(
        outcome,
        figures=outcome.figures | figures,
        curves={**outcome.curves, **curves},
        interrupted=stock.interrupted,
    )
