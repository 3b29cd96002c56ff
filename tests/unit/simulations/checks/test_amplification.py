"""What counts as an answer to somebody who proved nothing, packet by packet."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest
from staged import QUIET, small

from mesh99.simulations.checks.amplification import Amplification
from mesh99.simulations.checks.paid_for import TOKEN
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.network.attachment import NOBODY
from mesh99.simulations.network.nat_box import NatBox, NatBoxConfig
from mesh99.simulations.scenario.schema import Checks, Nat
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.packet import DATA, INITIAL, REPLY, RESET

ELSEWHERE = Endpoint("udp", "45.0.0.1", 7400)


class Watched:
    """Two honest hosts, and the check that sees what they send."""

    def __init__(self, nat: Nat | None = None) -> None:
        checks = Checks(invariants=("amplification",))
        self.run = HeapRun(small(nodes=2, workload=QUIET, nat=nat, checks=checks), 1)
        [check] = self.run.checks
        assert isinstance(check, Amplification)
        self.check = check
        self.one, self.two = (self.run.population.create() for _ in range(2))

    def sends(
        self, sender: int, receiver: int, source: Endpoint, destination: Endpoint, kind: int, size: int
    ) -> None:
        """Pass a packet by the check as the network does."""
        packet = bytes([kind]) + bytes(size - 1)
        [tap] = self.run.network.taps
        tap(0, sender, receiver, source, destination, packet)

    @property
    def message(self) -> str:
        """What was seen to be violated; empty for nothing."""
        failure = self.check.look(0.0)
        return "" if failure is None else failure.message


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_what_goes_over_tcp_is_no_answer_to_a_datagram(watched: Watched) -> None:
    one = watched.one
    registry = Endpoint("tcp", "10.0.9.9", 4567)
    watched.sends(one.index, 9, one.endpoint, registry, DATA, 585)
    assert watched.message == ""


def test_handshakes_are_paid_for_once_and_everything_three_times(watched: Watched) -> None:
    one, two = watched.one, watched.two
    watched.sends(two.index, one.index, two.endpoint, one.endpoint, INITIAL, 100)
    watched.sends(one.index, two.index, one.endpoint, two.endpoint, REPLY, 100)
    watched.sends(one.index, two.index, one.endpoint, two.endpoint, DATA, 200)
    assert watched.message == ""
    watched.sends(one.index, two.index, one.endpoint, two.endpoint, RESET, 25)
    assert watched.message.startswith("325 bytes in all went to udp://10.0.0.2:7400")
    watched.sends(one.index, two.index, one.endpoint, two.endpoint, REPLY, 1)
    assert watched.message.startswith("101 bytes of handshakes went to")


def test_whoever_answers_has_shown_itself_and_a_false_source_never_does(watched: Watched) -> None:
    one, two = watched.one, watched.two
    for _ in range(3):
        # Two sends in the name of a bystander, who is there but never sent anything.
        watched.sends(two.index, one.index, ELSEWHERE, one.endpoint, INITIAL, 100)
        watched.sends(one.index, NOBODY, one.endpoint, ELSEWHERE, REPLY, 100)
    watched.sends(one.index, NOBODY, one.endpoint, ELSEWHERE, DATA, 700)
    assert "proved nothing and sent 300" in watched.message
    watched.sends(one.index, two.index, one.endpoint, two.endpoint, INITIAL, 100)
    watched.sends(two.index, one.index, two.endpoint, one.endpoint, REPLY, 90)
    watched.sends(one.index, two.index, one.endpoint, two.endpoint, DATA, 5000)
    assert watched.message == ""


def test_behind_a_box_a_host_is_where_the_box_says() -> None:
    watched = Watched(Nat())
    one, two = watched.one, watched.two
    outside = Endpoint("udp", "11.0.0.7", 1111)
    watched.run.network.place_behind(two.index, NatBox(NatBoxConfig(), outside.host, Random(1)))
    watched.sends(two.index, one.index, outside, one.endpoint, INITIAL, 100)
    watched.sends(one.index, two.index, one.endpoint, outside, REPLY, 100)
    watched.sends(two.index, one.index, outside, one.endpoint, DATA, 40)
    watched.sends(one.index, two.index, one.endpoint, outside, DATA, 5000)
    assert watched.message == ""
    # Under its next name it is a stranger, also when the mapping is gone and nobody has that endpoint.
    watched.sends(one.index, NOBODY, one.endpoint, outside._replace(port=2222), RESET, 25)
    assert "went to udp://11.0.0.7:2222" in watched.message


def test_what_is_under_way_when_a_box_opens_has_come_too() -> None:
    watched = Watched(Nat())
    one, two = watched.one, watched.two
    outside = Endpoint("udp", "11.0.0.7", 1111)
    watched.sends(two.index, NOBODY, two.endpoint, outside, INITIAL, 100)
    watched.sends(one.index, two.index, outside, two.endpoint, REPLY, 100)
    assert watched.message == ""
    watched.sends(one.index, two.index, outside, two.endpoint, REPLY, 100)
    assert "200 bytes of handshakes" in watched.message


def test_what_came_through_a_relay_pays_for_what_goes_to_where_it_says(watched: Watched) -> None:
    one = watched.one
    one.start()
    circuit = one.overlay.relaying.circuits.incoming(watched.two.identity.node_id, 3, ELSEWHERE)
    circuit.came_bytes = 100
    watched.sends(one.index, NOBODY, one.endpoint, ELSEWHERE, REPLY, 100)
    watched.sends(one.index, NOBODY, one.endpoint, ELSEWHERE, DATA, 200)
    assert watched.message == ""
    watched.sends(one.index, NOBODY, one.endpoint, ELSEWHERE, DATA, 51)
    assert "351 bytes in all" in watched.message


def test_it_pays_for_knocks_inside_the_network_that_both_ends_are_in(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, inside = watched.one, Endpoint("udp", "10.0.0.38", 7400)
    one.start()
    circuit = one.overlay.relaying.circuits.incoming(watched.two.identity.node_id, 3, ELSEWHERE)
    circuit.came_bytes = 20
    line = SimpleNamespace(session=SimpleNamespace(path=circuit.endpoint))
    attempt = SimpleNamespace(punch=SimpleNamespace(targets=[inside]))
    monkeypatch.setattr(one.overlay.lines, "current", lambda: [line])
    monkeypatch.setattr(one.overlay.punching, "attempt_of", lambda line: attempt)
    watched.sends(one.index, NOBODY, one.endpoint, inside, DATA, 51)
    assert watched.message == ""
    watched.sends(one.index, NOBODY, one.endpoint, inside, DATA, 51)
    assert "102 bytes in all" in watched.message


def test_the_side_that_asked_a_relay_knocks_of_its_own_accord(watched: Watched) -> None:
    one = watched.one
    one.start()
    circuit = one.overlay.relaying.circuits.open(watched.two.identity.node_id, watched.two.identity.node_id)
    circuit.introduced = ELSEWHERE
    watched.sends(one.index, NOBODY, one.endpoint, ELSEWHERE, DATA, 800)
    assert watched.message == ""


def test_tokens_are_sent_no_faster_than_a_node_may(watched: Watched) -> None:
    one = watched.one
    one.start()
    [tap] = watched.run.network.taps
    for _ in range(int(one.overlay.config.dial_back.deliveries_burst)):
        tap(0, one.index, NOBODY, one.endpoint, ELSEWHERE, TOKEN)
    assert watched.message == ""
    tap(0, one.index, NOBODY, one.endpoint, ELSEWHERE, TOKEN)
    assert watched.message.startswith("more tokens than may be")
