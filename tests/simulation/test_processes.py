"""Tier T3: children do what they are told, and never outlive their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from mesh99.simulations.outcome import Progress, RunOptions
from mesh99.simulations.processes.cluster import Cluster
from mesh99.simulations.processes.orders import Setup
from mesh99.simulations.processes.simulation import run, setup_of
from mesh99.simulations.scenario.schema import Latency, Links, Population, Scenario, Workload
from mesh99.simulations.scenario.units import Duration, Share
from mesh99.wire.errors import LocalError

GONE_WITHIN_S = 20.0

SCENARIO = Scenario(
    name="test",
    about="A test.",
    tier="processes",
    duration=Duration(2.0),
    settle=Duration(0.5),
    population=Population(nodes=3, join_over=Duration(0.9)),
    latency=Latency(model="fixed", one_way=Duration(0.02)),
    links=Links(loss=Share(0.0)),
    workload=Workload(lookups_every=Duration(0.5)),
)

A_PARENT = """
import asyncio, sys
from mesh99.simulations.processes.cluster import Cluster
from mesh99.simulations.processes.simulation import setup_of
from mesh99.simulations.scenario.schema import Scenario
async def main():
    async with Cluster(setup_of(Scenario(name="test", about="A test."), 1, "simulated"), 2) as cluster:
        await cluster.start(1)
        print(*cluster.process_ids, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def _setup() -> Setup:
    return setup_of(SCENARIO, 1, "simulated")


def _runs(process_id: int) -> bool:
    """Tell whether a process still runs; one that has ended and was not waited for does not."""
    try:
        with open(f"/proc/{process_id}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait_until_gone(process_ids: list[int]) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while any(_runs(each) for each in process_ids):
        assert time.monotonic() < deadline, f"still there: {[each for each in process_ids if _runs(each)]}"
        time.sleep(0.05)


def test_nodes_join_and_find_the_nearest_over_real_sockets() -> None:
    told: list[Progress] = []
    outcome = run(SCENARIO, 1, RunOptions(on_progress=told.append))
    figures = outcome.figures
    assert (figures["joined"], figures["lookup_success"]) == (3, 1.0)
    assert figures["lookups"] >= 3
    assert figures["rpcs"] >= 2 * figures["lookups"]
    assert figures["lookup_p50_ms"] >= 40.0
    assert not outcome.interrupted
    assert told[-1].total_s == pytest.approx(3.4)


def test_a_stop_ends_the_run_with_what_there_is() -> None:
    told: list[Progress] = []
    outcome = run(SCENARIO, 1, RunOptions(on_progress=told.append, stop=lambda: bool(told)))
    assert outcome.interrupted
    assert outcome.figures["lookups"] == 0


async def test_a_cluster_ends_its_children() -> None:
    async with Cluster(_setup(), 2) as cluster:
        process_ids = cluster.process_ids
        assert all(_runs(each) for each in process_ids)
    assert not any(_runs(each) for each in process_ids)


async def test_a_child_that_dies_fails_what_waits_for_it() -> None:
    async with Cluster(_setup(), 1) as cluster:
        await cluster.start(1)
        # Nobody is there to join through, so there is no answer to wait for.
        cluster.peers[2] = cluster.peers[1]
        joining = asyncio.create_task(cluster.join(1, [2], 60.0))
        await asyncio.sleep(0)
        os.kill(cluster.process_ids[0], signal.SIGKILL)
        with pytest.raises(LocalError, match=r"child process \d+ ended with exit code -9"):
            await joining
        with pytest.raises(LocalError):
            await cluster.start(3)


def test_children_end_when_their_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", A_PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process_ids = [int(each) for each in parent.stdout.readline().split()]
        parent.kill()
    assert len(process_ids) == 2
    _wait_until_gone(process_ids)
