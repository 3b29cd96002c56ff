"""Nodes behind boxes that know no relay find some through the DHT, and are met through them."""

from __future__ import annotations

from typing import Any

from staged import run_of, small

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.host import Host
from mesh99.simulations.scenario.schema import Nat, Population, Workload

# In a large network questions leave no session behind: hardly anybody has one with one of the few relays.
PEOPLE = Population(nodes=80, relays=0.06, publishers=1.0, profile="large", start="join")  # type: ignore[arg-type]
WORLD: dict[str, Any] = {
    "nat": Nat(symmetric=0.3),  # type: ignore[arg-type]
    "population": PEOPLE,
    "workload": Workload(lookups_every=None, meets_every=10.0),  # type: ignore[arg-type]
    "duration": 40.0,
    "settle": 50.0,
}


def boxed(run: HeapRun) -> list[Host]:
    return [host for host in run.population.live if run.network.box_of(host.index) is not None]


def relays_of(host: Host) -> list[Any]:
    return host.overlay.relaying.reservations.granted(host.clock.now())


def test_nodes_behind_symmetric_boxes_find_relays_and_are_met() -> None:
    run, outcome = run_of(small(**WORLD), seed=5)
    assert outcome.failures == ()
    assert len(boxed(run)) > 12
    # Without the search a third of them have none: their peers do not relay.
    assert {len(relays_of(host)) for host in boxed(run)} == {2}
    # The few that are not met were looked for where an older record still lies, which names no relays.
    assert outcome.figures["meet_success"] >= 0.9
    assert outcome.figures["meet_relayed"] > 0.05
