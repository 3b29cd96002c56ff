"""The plan of a run in processes is what tier T1 does with the same scenario and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mesh99.dht.search import LookupResult
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.host import Host
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.processes.plan import plan_of
from mesh99.simulations.scenario.schema import Checks, Links, Population, Scenario, Workload
from mesh99.simulations.scenario.units import Duration, Share
from mesh99.wire.contact import Contact

SCENARIO = Scenario(
    name="test",
    about="A test.",
    duration=Duration(10.0),
    settle=Duration(2.0),
    population=Population(nodes=6),
    links=Links(loss=Share(0.0)),
    workload=Workload(lookups_every=Duration(4.0)),
    checks=Checks(invariants=()),
)
SEED = 5


def test_the_same_nodes_join_through_the_same_and_look_up_the_same() -> None:
    run = HeapRun(SCENARIO, SEED)
    looked_up: list[tuple[float, int, bytes]] = []
    asked: list[tuple[float, int, list[int]]] = []
    introducers_of = run.joining.introducers

    def watch(host: Host) -> None:
        find_node = host.overlay.dht.find_node

        def find(target: bytes, now: float, done: Callable[[LookupResult], None], *, count: int) -> None:
            looked_up.append((run.world.now(), host.index, bytes(target)))
            find_node(target, now, done, count=count)

        host.overlay.dht.find_node = find  # type: ignore[assignment,method-assign]

    def introducers(host: Host) -> Sequence[Contact]:
        contacts = introducers_of(host)
        population = run.population
        indexes = [population.by_node_id[contact.node_id].index for contact in contacts]
        asked.append((run.world.now(), host.index, indexes))
        return contacts

    run.population.on_up.append(watch)
    run.joining.introducers = introducers  # type: ignore[method-assign]
    run.run(RunOptions())

    plan = plan_of(SCENARIO, SEED)
    assert [(join.index, list(join.introducers)) for join in plan.joins] == [each[1:] for each in asked]
    assert [(each.index, each.target) for each in plan.lookups] == [each[1:] for each in looked_up]
    assert len(plan.lookups) > 5
    moments = [*(join.at_s for join in plan.joins), *(each.at_s for each in plan.lookups)]
    in_the_run = [*(each[0] for each in asked), *(each[0] for each in looked_up)]
    assert max(abs(one - other) for one, other in zip(moments, in_the_run, strict=True)) < 1e-6
    assert (plan.measured_from_s, plan.end_s) == (run.measured_from_s, run.end_s)


def test_another_seed_plans_something_else() -> None:
    assert plan_of(SCENARIO, 5) == plan_of(SCENARIO, 5)
    assert plan_of(SCENARIO, 5).lookups != plan_of(SCENARIO, 6).lookups


def test_without_lookups_the_plan_has_none() -> None:
    silent = Scenario(name="test", about="A test.", workload=Workload(lookups_every=None))
    assert plan_of(silent, 1).lookups == ()
