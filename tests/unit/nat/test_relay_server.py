"""The relay: who may be reached through it, whose packets go where, and its limits."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.nat.messages import Closed, Incoming, Open, Opened, Reason, Refused, Reserve, Reserved, decode
from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.relay.server import Leg, RelayServer
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId

CALLED, CALLER, OTHER = (NodeId(bytes([number]) * 32) for number in (1, 2, 3))


def at(number: int) -> Endpoint:
    return Endpoint("udp", f"20.0.0.{number}", 7400)


class Served:
    """A relay and what it says."""

    def __init__(self, **config: Any) -> None:
        self.relay = RelayServer(RelayConfig(**{"serve": True, **config}))

    def say(self, peer: NodeId, message: Any, now: float = 0.0, where: Endpoint | None = None) -> list[Any]:
        said = self.relay.receive(message, peer, where or at(peer[0]), now)
        return [(to, decode(data)) for to, data in said]

    def circuit(self, number: int = 2, now: float = 0.0) -> None:
        self.say(CALLED, Reserve(), now)
        self.say(CALLER, Open(number, CALLED), now)


def test_both_ends_are_told_where_the_other_is_seen() -> None:
    served = Served()
    assert served.say(CALLED, Reserve()) == [(CALLED, Reserved(3600))]
    assert served.say(CALLER, Open(2, CALLED)) == [
        (CALLED, Incoming(3, at(2))),
        (CALLER, Opened(2, at(1))),
    ]


def test_packets_go_on_both_ways_and_nowhere_else() -> None:
    served = Served()
    served.circuit()
    assert served.relay.forward(CALLER, 2, 100, 0.0) == Leg(CALLED, 3)
    assert served.relay.forward(CALLED, 3, 100, 0.0) == Leg(CALLER, 2)
    assert served.relay.forward(OTHER, 2, 100, 0.0) is None
    assert served.relay.forward(CALLER, 4, 100, 0.0) is None
    assert served.relay.carried_bytes == 200
    assert served.relay.dropped == {"relay: no such circuit": 2}


def test_an_open_that_comes_again_opens_nothing_more() -> None:
    served = Served()
    served.circuit()
    assert served.say(CALLER, Open(2, CALLED)) == [(CALLER, Opened(2, at(1)))]
    assert served.relay.circuits == 1


@pytest.mark.parametrize(
    ("config", "target", "reason"),
    [
        ({}, OTHER, Reason.NO_RESERVATION),
        ({"circuits_per_peer_max": 1}, CALLED, Reason.TOO_MANY),
        ({"circuits_max": 1}, CALLED, Reason.TOO_MANY),
    ],
)
def test_a_refusal_says_why(config: dict[str, int], target: NodeId, reason: Reason) -> None:
    served = Served(**config)
    served.circuit()
    assert served.say(CALLER, Open(4, target)) == [(CALLER, Refused(4, reason))]


def test_a_node_that_does_not_serve_refuses() -> None:
    served = Served(serve=False)
    assert served.say(CALLED, Reserve()) == [(CALLED, Reserved(0))]
    assert served.say(CALLER, Open(2, CALLED)) == [(CALLER, Refused(2, Reason.NOT_SERVING))]


def test_an_opener_cannot_take_numbers_of_the_relay() -> None:
    served = Served()
    served.say(CALLED, Reserve())
    assert served.say(CALLER, Open(3, CALLED)) == [(CALLER, Refused(3, Reason.NO_RESERVATION))]


def test_reservations_are_bounded_in_all_and_by_address() -> None:
    served = Served(reservations_max=3, reservations_per_address_max=2)
    peers = [NodeId(bytes([number]) * 32) for number in range(10, 16)]
    granted = [served.say(peer, Reserve(), where=at(9))[0][1].life_s > 0 for peer in peers[:3]]
    granted += [served.say(peer, Reserve(), where=at(8))[0][1].life_s > 0 for peer in peers[3:]]
    assert granted == [True, True, False, True, False, False]
    assert served.relay.reservations == 3


def test_a_reservation_ends_unless_it_is_renewed() -> None:
    served = Served(reservation_s=100)
    served.say(CALLED, Reserve(), now=0.0)
    served.say(CALLED, Reserve(), now=75.0)
    served.relay.expire(150.0)
    assert served.relay.holds(CALLED)
    served.relay.expire(175.0)
    assert not served.relay.holds(CALLED)
    assert served.say(CALLER, Open(2, CALLED), now=176.0) == [(CALLER, Refused(2, Reason.NO_RESERVATION))]


def test_the_rate_of_a_circuit_holds_to_a_twentieth() -> None:
    served = Served(circuit_bytes_per_s=10_000.0, circuit_burst_bytes=2_000.0, circuit_idle_s=1e9)
    served.circuit()
    seconds, passed = 30, 0
    for tick in range(seconds * 100):
        passed += 1000 * (served.relay.forward(CALLER, 2, 1000, tick / 100) is not None)
    assert passed == pytest.approx(10_000 * seconds, rel=0.05)


def test_the_rate_of_all_circuits_holds_to_a_twentieth() -> None:
    served = Served(bytes_per_s_max=20_000.0, circuit_burst_bytes=1_000.0, circuit_idle_s=1e9)
    for number in (2, 4, 6):
        served.circuit(number)
    seconds, passed = 30, 0
    for tick in range(seconds * 100):
        for number in (2, 4, 6):
            passed += 500 * (served.relay.forward(CALLER, number, 500, tick / 100) is not None)
    assert passed == pytest.approx(20_000 * seconds, rel=0.05)
    assert set(served.relay.dropped) == {"relay: over the rate of all"}


def test_a_volunteer_serves_while_its_owner_says_so() -> None:
    served = Served(serve="auto")
    assert served.say(CALLED, Reserve()) == [(CALLED, Reserved(0))]
    served.relay.serves = True
    assert served.say(CALLED, Reserve()) == [(CALLED, Reserved(3600))]
    served.relay.serves = False
    assert served.say(OTHER, Reserve()) == [(OTHER, Reserved(0))]
    assert served.relay.holds(CALLED), "what was granted lasts to its end"
    assert served.relay.dropped == {"relay: no reservation, not serving": 2}


def test_the_volume_of_a_relay_ends_its_service() -> None:
    served = Served(relayed_bytes_max=2_500)
    served.circuit()
    sent = [served.relay.forward(CALLER, 2, 1000, 0.0) is not None for _ in range(4)]
    assert sent == [True, True, False, False]
    assert served.relay.dropped == {"relay: volume used up": 2}


def test_an_unused_circuit_is_closed_for_both() -> None:
    served = Served(circuit_idle_s=60.0)
    served.circuit()
    served.relay.forward(CALLED, 3, 10, 50.0)
    assert served.relay.expire(100.0) == []
    said = [(to, decode(data)) for to, data in served.relay.expire(110.0)]
    assert said == [(CALLER, Closed(2)), (CALLED, Closed(3))]
    assert served.relay.circuits == 0


def test_who_leaves_takes_his_circuits_with_him() -> None:
    served = Served()
    served.circuit()
    assert [(to, decode(data)) for to, data in served.relay.left(CALLED)] == [(CALLER, Closed(2))]
    assert not served.relay.holds(CALLED)
    assert not served.relay.holds(CALLER)
    served.circuit()
    assert [(to, decode(data)) for to, data in served.relay.left(CALLER)] == [(CALLED, Closed(5))]
    assert served.relay.holds(CALLED)
