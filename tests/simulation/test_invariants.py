"""Each invariant is seen to be broken when the code is: one planted bug each."""

from __future__ import annotations

from typing import Any

import pytest
from staged import QUIET, run_of, small

from mesh99.dht.bucket import KBucket
from mesh99.dht.messages import Nodes
from mesh99.dht.search import NodeSearch
from mesh99.dht.store import RecordStore
from mesh99.dht.table import RoutingTable
from mesh99.node.overlay.handshakes import Handshakes
from mesh99.node.overlay.line import Line, LineState
from mesh99.node.overlay.overlay import Overlay
from mesh99.simulations.checks import CHECKS, INVARIANTS
from mesh99.simulations.network.partitions import Partitions
from mesh99.simulations.outcome import Failure
from mesh99.simulations.scenario.schema import (
    Adversary,
    Checks,
    Churn,
    Fault,
    Lifetimes,
    Nat,
    Partition,
    Population,
    Scenario,
    Workload,
)
from mesh99.wire.contact import Contact
from mesh99.wire.record import Record

CRASH = Fault(kind="crash", at=5.0, share=0.25)  # type: ignore[arg-type]


def _only(name: str, every: float = 2.0, **more: Any) -> Checks:
    return Checks(invariants=(name,), every=every, **more)  # type: ignore[arg-type]


def _failure(scenario: Scenario, name: str) -> Failure:
    """Return what the check found; without the bug it must find nothing."""
    run, outcome = run_of(scenario)
    assert [failure.check for failure in outcome.failures] == [name]
    failure = outcome.failures[0]
    assert 0 < failure.at_s <= run.end_s
    assert failure.event > 0
    return failure


def _holds(scenario: Scenario) -> None:
    assert run_of(scenario)[1].failures == ()


def test_a_table_without_a_limit_for_subnets_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    sybils = Adversary(kind="sybil", count=16, subnets=1)
    scenario = small(nodes=8, workload=QUIET, adversary=(sybils,), checks=_only("caps"))
    _holds(scenario)
    monkeypatch.setattr(RoutingTable, "_subnet_has_room", lambda *_: True)
    assert "of one subnet" in _failure(scenario, "caps").message


def test_a_bucket_without_a_limit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(nodes=150, duration=5.0, workload=QUIET, checks=_only("caps"))

    def add(self: KBucket, entry: Any) -> None:
        self.entries[entry.contact.node_id] = entry

    monkeypatch.setattr(KBucket, "add", add)
    assert "contacts in a bucket where at most 20 may be" in _failure(scenario, "caps").message


def test_a_reader_that_takes_what_is_not_signed_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(adversary=(Adversary(kind="poisoner", count=5),), checks=_only("true-records"))
    _holds(scenario)
    monkeypatch.setattr(Record, "verify", lambda *_: True)
    assert "never signed" in _failure(scenario, "true-records").message


def test_a_store_that_forgets_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = Workload(lookups_every=None, keys=6, value_ttl=30.0)  # type: ignore[arg-type]
    scenario = small(
        duration=60.0, workload=workload, fault=(CRASH,), checks=_only("fresh-records", every=5.0)
    )
    _holds(scenario)
    monkeypatch.setattr(RecordStore, "expire", lambda *_: None)
    assert "for longer than it lives" in _failure(scenario, "fresh-records").message


def _take_and_trust(self: NodeSearch, candidate: Any, reply: Nodes, now: float) -> Any:
    for contact in reply.contacts:
        self.context.table.verified(contact, now)
    return reply.contacts


def test_contacts_that_were_only_heard_of_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(nodes=24, checks=_only("true-contacts"))
    monkeypatch.setattr(NodeSearch, "take", _take_and_trust)
    assert "no packet ever" in _failure(scenario, "true-contacts").message


def test_contacts_that_only_called_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a large network a question comes without a session, from an address that nothing proves.
    population = Population(nodes=16, profile="large")
    scenario = small(population=population, checks=_only("true-contacts"))
    _holds(scenario)
    answer = Overlay._answer_early

    def trusting(self: Overlay, payload: bytes, sender: Contact, size_max: int) -> bytes:
        self.dht.verified(sender, self._now)
        return answer(self, payload, sender, size_max)

    monkeypatch.setattr(Overlay, "_answer_early", trusting)
    assert (
        "no packet ever came from there after one went there" in _failure(scenario, "true-contacts").message
    )


def test_contacts_that_a_liar_invented_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(adversary=(Adversary(kind="liar", count=3),), checks=_only("true-contacts"))
    monkeypatch.setattr(NodeSearch, "take", _take_and_trust)
    assert "there never was such a node" in _failure(scenario, "true-contacts").message


def test_dead_contacts_that_are_never_evicted_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(
        nodes=10, duration=1000.0, workload=QUIET, fault=(CRASH,), checks=_only("dead-contacts", every=10.0)
    )
    _holds(scenario)
    monkeypatch.setattr(RoutingTable, "failed", lambda *_: False)
    failure = _failure(scenario, "dead-contacts")
    assert "still in the table, and is given to others" in failure.message
    assert failure.node is not None


def test_sessions_that_outlive_their_peer_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(
        nodes=10, duration=150.0, workload=QUIET, fault=(CRASH,), checks=_only("dead-sessions", every=10.0)
    )
    _holds(scenario)

    def never_dead(self: Line, now: float) -> LineState:
        self.session.handle_timeout(now)
        self.last_use = now
        self.probe_at = now + 10
        return LineState.ALIVE

    monkeypatch.setattr(Line, "handle_timeout", never_dead)
    assert "lives on" in _failure(scenario, "dead-sessions").message


def test_answers_that_are_larger_than_their_question_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = Adversary(kind="flooder", count=1)
    scenario = small(
        nodes=8, duration=3.0, settle=2.0, adversary=(flood,), checks=_only("amplification", every=1.0)
    )
    _holds(scenario)
    receive = Handshakes._receive_initial

    def four_times(self: Handshakes, *arguments: Any) -> None:
        receive(self, *arguments)
        self.packets += self.packets[-1:] * 3

    monkeypatch.setattr(Handshakes, "_receive_initial", four_times)
    assert "of handshakes went to" in _failure(scenario, "amplification").message


def test_answers_through_boxes_are_counted_where_the_boxes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    nat = Nat(port_restricted=0.2, symmetric=0.2, mapping_timeout=20.0)  # type: ignore[arg-type]
    churn = Churn(session=Lifetimes(scale=20.0), offline=Lifetimes(scale=5.0))  # type: ignore[arg-type]
    scenario = small(nat=nat, churn=churn, duration=40.0, checks=_only("amplification", every=1.0))
    _holds(scenario)
    receive = Handshakes._receive_initial

    def twice(self: Handshakes, *arguments: Any) -> None:
        receive(self, *arguments)
        # A reply is less than half as long as the first packet, unless it carries contacts.
        self.packets += self.packets[-1:] * 2

    monkeypatch.setattr(Handshakes, "_receive_initial", twice)
    assert "of handshakes went to" in _failure(scenario, "amplification").message


def test_nodes_that_do_not_know_their_neighbours_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = small(nodes=24, duration=200.0, workload=QUIET, checks=_only("neighbourhood", every=20.0))
    _holds(scenario)
    verified = RoutingTable.verified

    def only_far(self: RoutingTable, contact: Any, now: float) -> bool:
        if contact.node_id.distance(self.own_id) >> 255:
            return verified(self, contact, now)
        return False

    monkeypatch.setattr(RoutingTable, "verified", only_far)
    assert "nearest to them" in _failure(scenario, "neighbourhood").message


def test_a_network_that_does_not_heal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = _only("converged", converge_within=40.0)
    partition = Partition(at=30.0, lasts=20.0)  # type: ignore[arg-type]
    scenario = small(duration=150.0, partition=(partition,), checks=checks)
    _holds(scenario)
    monkeypatch.setattr(Partitions, "end", lambda *_: None)
    assert "long enough after the last fault" in _failure(scenario, "converged").message


def test_an_error_in_a_node_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("on purpose")

    monkeypatch.setattr(Handshakes, "_receive_final", fail)
    monkeypatch.setattr(Handshakes, "_receive_initial", fail)
    assert "ValueError: on purpose" in _failure(small(nodes=4), "error").message


def test_every_invariant_has_a_name_and_a_line() -> None:
    assert len(INVARIANTS) == len(CHECKS)
    assert all(name and about and about[-1] != "." for name, about in INVARIANTS.items())
