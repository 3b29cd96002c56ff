"""The served side of relays: circuits as endpoints, and which relays to keep."""

from __future__ import annotations

from mesh99.nat.behaviour import Filtering
from mesh99.nat.dialback import DialBack, DialBackConfig
from mesh99.nat.messages import CallBack, decode
from mesh99.nat.punch import Punch, PunchConfig
from mesh99.nat.relay.circuits import CIRCUIT_ENDPOINTS_MAX, Circuits
from mesh99.nat.relay.reservations import ReservationConfig, Reservations
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId

OWN, RELAY, OTHER, THIRD = (NodeId(bytes([number]) * 32) for number in range(4))
THERE = Endpoint("udp", "20.0.0.1", 7400)


def test_a_circuit_is_an_endpoint_of_its_own() -> None:
    circuits = Circuits(10)
    opened = circuits.open(RELAY, OTHER)
    assert circuits.open(RELAY, OTHER) is opened
    assert circuits.open(THIRD, OTHER) is not opened
    assert circuits.at(opened.endpoint) is opened
    assert circuits.find(RELAY, opened.number) is opened
    assert opened.number % 2 == 0
    assert not opened.endpoint.is_usable, "nothing is ever sent to it by mistake"


def test_a_circuit_that_leads_here_learns_where_its_other_end_is() -> None:
    circuits = Circuits(10)
    first = circuits.incoming(RELAY, 3)
    assert circuits.incoming(RELAY, 3, THERE) is first
    assert first.introduced == THERE
    assert circuits.incoming(RELAY, 3).introduced == THERE


def test_the_oldest_circuit_goes_when_there_are_too_many() -> None:
    circuits = Circuits(2)
    made = [circuits.incoming(RELAY, number) for number in (1, 3, 5)]
    assert circuits.at(made[0].endpoint) is None
    assert [circuit.number for circuit in circuits.of_relay(RELAY)] == [3, 5]
    circuits.remove(made[1])
    assert len(circuits) == 1


def test_endpoints_of_circuits_come_again_only_when_they_are_free() -> None:
    circuits = Circuits(3)
    kept = circuits.open(RELAY, OTHER)
    for number in range(CIRCUIT_ENDPOINTS_MAX + 5):
        circuit = circuits.incoming(THIRD, 2 * number + 1)
        assert circuit.endpoint != kept.endpoint
        circuits.remove(circuit)


def test_as_many_relays_are_kept_as_are_wanted() -> None:
    reservations = Reservations(OWN, ReservationConfig(wanted=2))
    assert not reservations.wants(RELAY, 0.0)
    reservations.wanted = True
    for relay in (RELAY, OTHER):
        assert reservations.wants(relay, 0.0)
        reservations.ask(relay, 0.0)
    assert not reservations.wants(THIRD, 0.0)
    assert reservations.granted(0.0) == []
    reservations.answered(RELAY, 100, 0.0)
    assert reservations.granted(0.0) == [RELAY]


def test_a_question_without_an_answer_is_asked_again_and_a_grant_is_renewed() -> None:
    reservations = Reservations(OWN, ReservationConfig(answer_s=3.0, renew_share=0.75))
    reservations.ask(RELAY, 0.0)
    assert reservations.take_due(2.9) == []
    assert reservations.take_due(3.0) == [RELAY]
    reservations.answered(RELAY, 100, 3.0)
    assert reservations.next_timeout() == 78.0
    assert reservations.granted(102.9) == [RELAY]
    assert reservations.granted(103.0) == []


def test_a_relay_that_refuses_is_left_alone_for_a_while() -> None:
    reservations = Reservations(OWN, ReservationConfig(retry_s=30.0))
    reservations.wanted = True
    reservations.ask(RELAY, 0.0)
    reservations.answered(RELAY, 0, 1.0)
    assert not reservations.wants(RELAY, 30.0)
    reservations.take_due(31.0)
    assert reservations.wants(RELAY, 31.0)


def test_a_relay_of_no_use_is_left_alone_for_longer_each_time() -> None:
    reservations = Reservations(OWN, ReservationConfig(retry_s=10.0, retry_s_max=40.0, blocked_max=2))
    reservations.wanted, now, pauses = True, 0.0, []
    for _ in range(4):
        reservations.block(RELAY, now)
        until = next(now + second for second in range(1, 100) if reservations.wants(RELAY, now + second))
        pauses.append(until - now)
        now = until
    assert pauses == [10.0, 20.0, 40.0, 40.0]
    now += 100.0
    reservations.block(RELAY, now)
    assert reservations.wants(RELAY, now + 10.0), "long ago is forgotten"
    reservations.block(OTHER, now)
    reservations.block(THIRD, now)
    assert not reservations.blocks(RELAY, now), "the oldest goes"


def test_a_deaf_relay_is_given_up() -> None:
    reservations = Reservations(OWN, ReservationConfig(answer_s=3.0, tries=4))
    reservations.wanted = True
    for question in range(4):
        reservations.ask(RELAY, 3.0 * question)
        assert reservations.has(RELAY)
    assert reservations.take_due(12.0) == []
    assert not reservations.has(RELAY)
    assert not reservations.wants(RELAY, 12.0)


def test_a_change_of_relays_is_told_once_each() -> None:
    reservations, told = Reservations(OWN, ReservationConfig()), []
    reservations.on_change = lambda: told.append(reservations.granted(5.0))
    reservations.ask(RELAY, 0.0)
    reservations.answered(RELAY, 100, 0.0)
    reservations.answered(RELAY, 100, 1.0)
    reservations.lost(RELAY)
    reservations.ask(OTHER, 2.0)
    reservations.give_up()
    assert told == [[RELAY], []]


def test_knocks_come_close_together_thin_out_and_begin_again() -> None:
    punch = Punch(PunchConfig(knocks_s=(0.0, 0.1, 0.3), pauses_s=(1.0, 5.0)), [THERE], 10.0)
    times = []
    for _ in range(9):
        times.append(round(punch.next_timeout(), 3))
        assert punch.knock(punch.next_timeout() - 0.001) == []
        assert punch.knock(punch.next_timeout()) == [THERE]
    assert times == [10.0, 10.1, 10.3, 11.3, 11.4, 11.6, 16.6, 16.7, 16.9]


def test_places_to_knock_at_are_bounded() -> None:
    punch = Punch(PunchConfig(targets_max=2), [THERE], 0.0)
    for port in range(5):
        punch.add(THERE._replace(port=port + 1), 1.0)
    assert len(punch.targets) == 2
    assert punch.next_timeout() == 1.0


class Trial:
    """A dial-back and the tokens it asked for."""

    def __init__(self) -> None:
        self.numbers = iter(range(1, 100))
        self.dial_back = DialBack(
            DialBackConfig(wait_s=2.0, tries=3, known_max=3, again_s=900.0, no_stranger_s=60.0),
            lambda size: bytes([next(self.numbers)]) * size,
        )

    def ask(self, now: float) -> bytes:
        message = decode(self.dial_back.ask(now))
        assert isinstance(message, CallBack)
        return message.token


def test_a_token_from_a_stranger_proves_that_a_node_is_open() -> None:
    tested = Trial()
    token = tested.ask(0.0)
    assert not tested.dial_back.arrived(bytes(12), 0.1, from_stranger=True)
    assert tested.dial_back.arrived(token, 0.1, from_stranger=True)
    assert tested.dial_back.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert not tested.dial_back.due(900.0)
    assert tested.dial_back.due(900.1)


def test_silence_of_all_tries_says_that_it_is_not() -> None:
    tested = Trial()
    for now in (0.0, 2.0, 4.0):
        assert tested.dial_back.due(now)
        tested.ask(now)
    assert not tested.dial_back.due(5.9)
    assert tested.dial_back.ask(6.0) == b""
    assert tested.dial_back.filtering is Filtering.DEPENDENT


def test_tokens_from_who_is_known_say_nothing() -> None:
    tested = Trial()
    for now in (0.0, 0.1, 0.2):
        assert tested.dial_back.due(now)
        assert tested.dial_back.arrived(tested.ask(now), now, from_stranger=False)
    assert tested.dial_back.filtering is Filtering.UNKNOWN
    assert not tested.dial_back.due(60.1)
    assert tested.dial_back.due(60.2)
