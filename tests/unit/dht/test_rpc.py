from __future__ import annotations

from random import Random

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.messages import FindNode, Nodes, Ping, Pong, Store
from mesh99.dht.reading import decode
from mesh99.dht.rpc import INDIFFERENT, Rpc
from mesh99.dht.timers import Timers
from mesh99.dht.window import Window


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def answered(self, pending, reply, now) -> None:
        self.heard.append(type(reply).__name__)

    def slow(self, pending, now) -> None:
        self.heard.append("slow")

    def failed(self, pending, now) -> None:
        self.heard.append("failed")


class Bench:
    """An Rpc with its timers; `failed` collects the failures that count against a peer."""

    def __init__(self, make_contact) -> None:
        self.timers = Timers()
        self.failed: list[int] = []
        self.rpc = Rpc(DhtConfig(), self.timers, Random(1), self._count)
        self.peer, self.other = make_contact(1), make_contact(2)
        self.listener = Listener()

    def _count(self, contact, now: float) -> None:
        self.failed.append(contact.node_id.number)

    def ask(self, now: float = 0.0) -> int:
        self.rpc.ask(self.peer, Ping(), self.listener, now)
        *_, request = self.rpc.take_requests()
        return decode(request.payload)[0]

    def run_to(self, when: float) -> None:
        while (due := self.timers.next_timeout()) is not None and due <= when:
            self.timers.run(due)


@pytest.fixture
def bench(make_contact) -> Bench:
    return Bench(make_contact)


def test_an_answer_reaches_its_waiter_once(bench: Bench) -> None:
    request_id = bench.ask()
    assert len(bench.rpc) == 1
    assert bench.rpc.receive(request_id, Pong(), bench.peer, 0.01)
    assert not bench.rpc.receive(request_id, Pong(), bench.peer, 0.02)
    assert bench.listener.heard == ["Pong"]
    assert len(bench.rpc) == 0
    assert bench.timers.next_timeout() is None


def test_answers_of_others_or_of_another_kind_are_ignored(bench: Bench) -> None:
    request_id = bench.ask()
    assert not bench.rpc.receive(request_id, Pong(), bench.other, 0.01)
    assert not bench.rpc.receive(request_id, Nodes(b"12345678", []), bench.peer, 0.01)
    assert not bench.rpc.receive(request_id + 1, Pong(), bench.peer, 0.01)
    assert bench.listener.heard == []


def test_a_silent_peer_is_slow_then_failed_after_three_tries_with_doubling_waits(bench: Bench) -> None:
    bench.ask()
    bench.run_to(0.49)
    assert bench.rpc.take_requests() == []
    bench.run_to(0.5)
    assert len(bench.rpc.take_requests()) == 1
    assert bench.listener.heard == ["slow"]
    bench.run_to(1.49)
    assert bench.rpc.take_requests() == []
    bench.run_to(1.5)
    assert len(bench.rpc.take_requests()) == 1
    bench.run_to(3.5)
    assert bench.listener.heard == ["slow", "failed"]
    assert bench.timers.next_timeout() is None


def test_a_retransmission_has_the_same_bytes(bench: Bench) -> None:
    bench.rpc.ask(bench.peer, FindNode(bytes(32)), INDIFFERENT, 0.0)
    (first,) = bench.rpc.take_requests()
    bench.run_to(0.5)
    assert bench.rpc.take_requests() == [first]


def test_a_late_answer_still_counts(bench: Bench) -> None:
    request_id = bench.ask()
    bench.run_to(0.5)
    assert bench.rpc.receive(request_id, Pong(), bench.peer, 0.6)
    assert bench.listener.heard == ["slow", "Pong"]


def test_waiters_are_told_when_a_peer_is_late_already(bench: Bench) -> None:
    assert bench.rpc.ask(bench.peer, Ping(), INDIFFERENT, 0.0)
    bench.run_to(0.5)
    assert not bench.rpc.ask(bench.peer, Ping(), INDIFFERENT, 0.5)
    bench.rpc.heard(bench.peer.node_id, 0.6)
    assert bench.rpc.ask(bench.peer, Ping(), INDIFFERENT, 0.6)


def test_failures_count_only_while_others_are_heard(bench: Bench) -> None:
    bench.ask()
    bench.run_to(10.0)
    assert bench.failed == [], "our own network may be down"
    bench.ask(20.0)
    bench.rpc.heard(bench.other.node_id, 20.1)
    bench.run_to(40.0)
    assert bench.failed == [1]


def test_requests_that_fail_together_count_once(bench: Bench) -> None:
    for _ in range(5):
        bench.ask()
    bench.rpc.heard(bench.other.node_id, 0.1)
    bench.run_to(20.0)
    assert bench.failed == [1]
    assert bench.listener.heard.count("failed") == 5


def test_unreachable_fails_everything_at_once(bench: Bench) -> None:
    bench.ask()
    bench.ask()
    bench.rpc.ask(bench.other, Ping(), INDIFFERENT, 0.0)
    bench.rpc.unreachable(bench.peer.node_id, 0.2)
    assert bench.listener.heard == ["failed", "failed"]
    assert len(bench.rpc) == 1


def test_only_stores_are_not_idempotent(bench: Bench) -> None:
    for message in (Ping(), FindNode(bytes(32)), Store(b"12345678", 0, b"r")):
        bench.rpc.ask(bench.peer, message, INDIFFERENT, 0.0)
    assert [request.idempotent for request in bench.rpc.take_requests()] == [True, True, False]


def test_measured_peers_are_found_late_within_milliseconds(bench: Bench) -> None:
    bench.rpc.receive(bench.ask(), Pong(), bench.peer, 0.0005)
    bench.ask(1.0)
    bench.run_to(1.02)
    assert bench.listener.heard == ["Pong", "slow"]
    bench.run_to(1.15)
    assert bench.listener.heard == ["Pong", "slow", "failed"]


def test_what_the_window_does_not_hold_waits_for_its_turn(make_contact) -> None:
    timers = Timers()
    rpc = Rpc(DhtConfig(window_first=2, window_min=1), timers, Random(1), lambda contact, now: None)
    for number in range(1, 6):
        rpc.ask(make_contact(number), Ping(), INDIFFERENT, 0.0)
    first, second = rpc.take_requests()
    request_id, _ = decode(first.payload)
    rpc.receive(request_id, Pong(), first.contact, 0.01)
    assert [request.contact for request in rpc.take_requests()] == [make_contact(3), make_contact(4)], (
        "it grew by one"
    )
    while (due := timers.next_timeout()) is not None and due < 1.0:
        timers.run(due)
    sent = [request.contact for request in rpc.take_requests()]
    assert make_contact(5) in sent, "those that are late make room"
    assert second.contact in sent, "and are sent again"


def test_the_window_shrinks_when_living_peers_answer_late_and_not_for_the_dead(make_contact) -> None:
    config = DhtConfig(window_first=10, window_min=2)
    window = Window(config)
    window.answered_late(0.0, 1.0)
    assert window.size == 7
    window.answered_late(0.5, 1.1)
    assert window.size == 7, "it was in flight together with the first"
    for sent_at in range(2, 30):
        window.answered_late(sent_at, sent_at + 0.5)
    assert window.size == 2
    rpc = Rpc(config, timers := Timers(), Random(1), lambda contact, now: None)
    rpc.ask(make_contact(1), Ping(), INDIFFERENT, 0.0)
    while (due := timers.next_timeout()) is not None:
        timers.run(due)
    assert rpc._window.size == 10
    assert rpc._window.in_flight == 0


def test_what_waits_for_its_turn_is_not_sent_again(make_contact) -> None:
    rpc = Rpc(DhtConfig(window_first=1, window_min=1), Timers(), Random(1), lambda contact, now: None)
    peer = make_contact(1)
    for target in (bytes(32), b"\x01" * 32):
        rpc.ask(peer, FindNode(target), INDIFFERENT, 0.0)
    sent = rpc.take_requests()
    assert rpc.send_again(peer.node_id)
    assert rpc.take_requests() == sent, "the other was never sent"
