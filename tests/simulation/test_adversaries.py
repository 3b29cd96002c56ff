"""Each adversary does what it says, and the invariants hold all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import pytest
from staged import run_of, small

from mesh99.dht.get import GetResult
from mesh99.dht.messages import Request
from mesh99.dht.search import LookupResult
from mesh99.simulations.adversaries.adversary import Adversary as Party
from mesh99.simulations.adversaries.censor import Censor, CensorServer
from mesh99.simulations.adversaries.eclipse import Eclipse
from mesh99.simulations.adversaries.flooder import Flooder
from mesh99.simulations.adversaries.hostile_server import HostileServer
from mesh99.simulations.adversaries.liar import Liar
from mesh99.simulations.adversaries.lying_observer import LyingObserver
from mesh99.simulations.adversaries.lying_registry import LyingRegistry
from mesh99.simulations.adversaries.poisoner import LIES, Poisoner, PoisonerServer
from mesh99.simulations.adversaries.replayer import Replayer
from mesh99.simulations.adversaries.slow_loris import SlowLoris
from mesh99.simulations.adversaries.sybil import Sybil
from mesh99.simulations.checks.amplification import Amplification
from mesh99.simulations.checks.inside import amounts
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.host import Host
from mesh99.simulations.outcome import Outcome
from mesh99.simulations.scenario.schema import Adversary, Checks, Population, Scenario, Workload
from mesh99.simulations.workload.publishing import Value
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId

P = TypeVar("P", bound=Party)

LARGE = Population(nodes=16, profile="large")


def _of(run: HeapRun, kind: type[P]) -> P:
    return next(party for party in run.adversaries if isinstance(party, kind))


def _run(
    scenario: Scenario, before: Callable[[HeapRun], object] = lambda run: None
) -> tuple[HeapRun, Outcome]:
    run, outcome = run_of(scenario, before=before)
    assert outcome.failures == ()
    return run, outcome


def _servers(party: Party) -> list[HostileServer]:
    servers = [host.overlay.dht.server for host in party.hosts]
    return [server for server in servers if isinstance(server, HostileServer)]


def _hostile_share(party: Party, host: Host) -> float:
    entries = list(host.overlay.dht.table)
    return sum(entry.contact.node_id in party.group for entry in entries) / len(entries)


def test_sybils_are_asked_and_name_only_each_other() -> None:
    asked: list[NodeId] = []

    def looked_up(host: Host, target: NodeId, result: LookupResult) -> None:
        asked.extend(hop.contact.node_id for hop in result.hops)

    scenario = small(adversary=(Adversary(kind="sybil", count=16),))
    run, outcome = _run(scenario, lambda run: run.workload.on_lookup.append(looked_up))
    party = _of(run, Sybil)
    assert len(party.hosts) == 16
    assert all(server.asked and server.lies == server.asked for server in _servers(party))
    assert all(_hostile_share(party, host) > 0.2 for host in run.population.honest_live)
    assert 0.3 < sum(node_id in party.group for node_id in asked) / len(asked) < 0.7
    assert 0.3 < outcome.figures["sybil_nearest"] < 0.7, "half of all nodes are sybils"


def test_sybils_of_one_subnet_get_no_more_than_its_share_of_a_table() -> None:
    run, _ = _run(small(adversary=(Adversary(kind="sybil", count=24, subnets=1),)))
    party = _of(run, Sybil)
    assert len(dict.fromkeys(host.endpoint.host for host in party.hosts)) == 24
    for host in run.population.honest_live:
        hostile = sum(entry.contact.node_id in party.group for entry in host.overlay.dht.table)
        assert 0 < hostile <= host.overlay.config.dht.subnet_table_max


def test_an_eclipse_takes_over_the_table_of_a_victim_that_restarts() -> None:
    eclipse = Adversary(kind="eclipse", count=30)
    seldom = Workload(lookups_every=60.0)  # type: ignore[arg-type]
    run, outcome = _run(small(nodes=12, duration=70.0, adversary=(eclipse,), workload=seldom))
    party = _of(run, Eclipse)
    assert party.victim.session == 2, "it was restarted"
    victim = party.victim
    nearest = victim.overlay.dht.table.nearest(victim.identity.node_id.number, 8)
    assert all(contact.node_id in party.group for contact in nearest), "ids were ground around it"
    assert outcome.figures["eclipse_captured"] == pytest.approx(party.captured(), abs=1e-4)
    assert party.captured() > 0.6


def test_poisoned_records_reach_readers_and_holders_and_are_refused_there() -> None:
    refused: Counter[str] = Counter()

    def read(host: Host, value: Value, result: GetResult) -> None:
        refused.update(hop.outcome for hop in result.trace if hop.contact.node_id in hostile)

    def watch(run: HeapRun) -> None:
        run.workload.on_get.append(read)
        run.population.on_up.append(
            lambda host: None if host.honest else hostile.setdefault(host.identity.node_id)
        )

    hostile: dict[NodeId, None] = {}
    run, outcome = _run(small(adversary=(Adversary(kind="poisoner", count=10),), duration=40.0), watch)
    servers = [s for s in _servers(_of(run, Poisoner)) if isinstance(s, PoisonerServer)]
    assert sum(server.lies for server in servers) > 2 * len(LIES)
    assert refused["failed"] > 0, refused
    assert outcome.figures["get_success"] > 0.9


def test_censors_take_what_is_stored_and_hide_it() -> None:
    run, _ = _run(small(adversary=(Adversary(kind="censor", count=12),)))
    party = _of(run, Censor)
    ranked = run.population.nearest(party.key, 1)
    nearer = [
        host
        for host in party.hosts
        if host.identity.node_id.distance(party.key) < ranked[0].distance(party.key)
    ]
    assert len(nearer) >= 8, "ids were ground to be nearer than any honest one"
    servers = [s for s in _servers(party) if isinstance(s, CensorServer)]
    assert sum(server.lies for server in servers) > 0
    assert all(not host.overlay.dht.store.get(party.key, host.clock.now()) for host in party.hosts)


def test_liars_make_nodes_call_nobody_and_lookups_get_over_it() -> None:
    called: Counter[Endpoint] = Counter()

    def sent(*facts: Any) -> None:
        called[facts[4]] += 1

    scenario = small(adversary=(Adversary(kind="liar", count=3),))
    run, outcome = _run(scenario, lambda run: run.network.taps.append(sent))
    invented = [contact.endpoint for contact in _of(run, Liar).invented]
    assert sum(called[endpoint] for endpoint in invented) > 10
    assert outcome.figures["lookup_success"] > 0.9


def test_a_flood_brings_cookies_and_no_more_bytes_than_it_sends() -> None:
    flood = Adversary(kind="flooder", count=4, packets_per_s=150.0)
    run, outcome = _run(small(duration=4.0, settle=2.0, adversary=(flood,)))
    party = _of(run, Flooder)
    assert party.spoofed > 100
    dropped = party.victim.overlay.dropped_by_reason()
    assert dropped["handshake: cookie asked"] > 100
    assert 0 < next(c for c in run.checks if isinstance(c, Amplification)).worst <= 1.0
    assert outcome.figures["lookup_success"] > 0.9


def test_a_slow_loris_fills_half_open_handshakes_and_answers_late() -> None:
    slow = Adversary(kind="slow-loris", count=3, packets_per_s=50.0)
    run, outcome = _run(small(duration=5.0, settle=2.0, adversary=(slow,)))
    party = _of(run, SlowLoris)
    config = party.victim.overlay.config
    assert party.late > 0
    assert party.cookies > 100
    assert config.cookie_half_open <= _half_open(party.victim) <= config.half_open_max
    assert outcome.figures["lookup_success"] > 0.9


def test_a_slow_loris_is_late_also_for_those_who_want_no_session() -> None:
    slow = Adversary(kind="slow-loris", count=3)
    run, outcome = _run(small(population=LARGE, adversary=(slow,)))
    assert _of(run, SlowLoris).late > 20
    assert outcome.figures["lookup_success"] > 0.9


class Mute:
    """Answer nothing."""

    def reply(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Return nothing."""
        return None


@pytest.mark.parametrize("profile", ["default", "large"])
def test_who_shakes_hands_and_answers_nothing_leaves_the_tables(profile: Literal["default", "large"]) -> None:
    def silence(run: HeapRun) -> None:
        for host in _of(run, Liar).hosts:
            host.overlay.dht.server = Mute()

    scenario = small(
        duration=120.0,
        population=Population(nodes=16, profile=profile),
        workload=Workload(lookups_every=5.0),  # type: ignore[arg-type]
        adversary=(Adversary(kind="liar", count=3),),
        checks=Checks(invariants=()),
    )
    run, outcome = _run(scenario, lambda run: run.world.call_at(run.measured_from_s, lambda: silence(run)))
    mute = [host.identity.node_id for host in _of(run, Liar).hosts]
    tables = [host.overlay.dht.table for host in run.population.honest_live]
    assert sum(node_id in table for node_id in mute for table in tables) < 0.1 * len(mute) * len(tables)
    assert outcome.figures["lookup_success"] > 0.95


def _half_open(host: Host) -> int:
    return next(size for what, size, _ in amounts(host.overlay) if what == "half-open handshakes")


def test_a_lying_observer_is_one_voice_of_several() -> None:
    run, outcome = _run(small(adversary=(Adversary(kind="lying-observer", count=2),)))
    party = _of(run, LyingObserver)
    seen = {host.index: host.overlay.reach.observations.endpoints() for host in run.population.honest_live}
    lied_to = [
        index for index, seen_at in seen.items() if party.lie(run.population.hosts[index].endpoint) in seen_at
    ]
    assert lied_to
    assert all(seen[index][0] == run.population.hosts[index].endpoint for index in lied_to)
    assert outcome.figures["lie_believed"] == 0.0
    _, many = _run(small(adversary=(Adversary(kind="lying-observer", count=40),)))
    assert many.figures["lie_believed"] > 0.5


def test_who_asks_a_lying_registry_meets_colluders_or_nobody() -> None:
    run, outcome = _run(small(adversary=(Adversary(kind="lying-registry", share=1.0, count=3),)))
    assert _of(run, LyingRegistry).replaced > 0
    none, empty = _run(small(adversary=(Adversary(kind="lying-registry", share=1.0),)))
    assert _of(none, LyingRegistry).replaced > 0
    assert empty.figures["joined"] < outcome.figures["joined"]


def test_replayed_packets_change_nothing() -> None:
    run, outcome = _run(small(adversary=(Adversary(kind="replayer", count=3, packets_per_s=100.0),)))
    dropped: Counter[str] = Counter()
    for host in run.population.honest_live:
        dropped.update(host.overlay.dropped_by_reason())
    assert _of(run, Replayer).replayed > 1000
    assert dropped["data: replayed"] > 10
    assert outcome.figures["lookup_success"] > 0.95
