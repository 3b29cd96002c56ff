"""Records whose owners have gone outlive the holders that they were put on."""

from __future__ import annotations

from statistics import mean

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.scenario.schema import (
    Checks,
    Churn,
    Duration,
    Lifetimes,
    Population,
    Scenario,
    Workload,
)
from mesh99.wire.record import Record, value_key

KEYS = [value_key(f"key {number}") for number in range(12)]
REPLICAS = 8


def _scenario() -> Scenario:
    lifetimes = Lifetimes(distribution="exponential", scale=Duration(2400.0))
    return Scenario(
        name="test",
        about="Made in a test.",
        duration=Duration(7200.0),
        population=Population(nodes=30, start="warm", profile="large"),
        churn=Churn(session=lifetimes, offline=lifetimes),
        workload=Workload(lookups_every=None),
        checks=Checks(every=Duration(300.0)),
    )


def test_records_outlive_their_first_holders() -> None:
    run = HeapRun(_scenario(), 7)

    def put() -> None:
        for number, key in enumerate(KEYS):
            host = run.population.live[number]
            record = Record.create(host.identity, key, b"v", sequence=1, ttl_s=86_400)
            host.overlay.dht.put(record, host.clock.now(), lambda result: None)
            host.pump.kick()

    def holders(key: bytes) -> int:
        near = [run.population.by_node_id[node_id] for node_id in run.population.nearest(key, REPLICAS)]
        return sum(bool(host.overlay.dht.store.get(key, run.world.now())) for host in near)

    run.world.call_at(run.measured_from_s, put)
    assert run.run(RunOptions()).failures == ()
    held = [holders(key) for key in KEYS]
    assert min(held) >= 5
    assert mean(held) >= 7
