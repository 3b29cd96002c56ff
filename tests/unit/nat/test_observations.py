"""What peers say where this node is, and what is believed of it."""

from __future__ import annotations

import pytest

from mesh99.nat.behaviour import Filtering, Mapping, NatKind, kind_of
from mesh99.nat.observations import Observations
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId

TRUE, FALSE = Endpoint("udp", "20.0.0.1", 4000), Endpoint("udp", "20.6.6.6", 666)
OWN = Endpoint("udp", "192.168.0.5", 7400)


def observer(number: int) -> NodeId:
    return NodeId(bytes([number]) * 32)


def peer_at(network: int, host: int = 1) -> Endpoint:
    return Endpoint("udp", f"20.1.{network}.{host}", 7400)


class Heard:
    """Words of peers, one a second."""

    def __init__(self, observations_max: int = 16) -> None:
        self.observations = Observations(observations_max)
        self.count = 0

    def say(self, seen: Endpoint, network: int, host: int = 1) -> Heard:
        self.count += 1
        self.observations.note(observer(self.count), peer_at(network, host), seen, float(self.count))
        return self


def test_one_word_is_none_and_two_of_one_network_are_one() -> None:
    heard = Heard().say(TRUE, 1)
    assert heard.observations.agreed() is None
    assert heard.say(TRUE, 1, 2).observations.agreed() is None
    assert heard.say(TRUE, 2).observations.agreed() == TRUE


def test_many_liars_of_one_network_do_not_change_what_is_believed() -> None:
    heard = Heard().say(TRUE, 1).say(TRUE, 2)
    for host in range(12):
        heard.say(FALSE, 3, host + 1)
    assert heard.observations.agreed() == TRUE
    assert heard.observations.mapping([OWN]) is Mapping.ENDPOINT_INDEPENDENT


def test_nothing_is_believed_when_half_the_networks_say_otherwise() -> None:
    heard = Heard().say(TRUE, 1).say(TRUE, 2).say(FALSE, 3).say(FALSE, 4)
    assert heard.observations.agreed() is None


def test_addresses_that_lead_nowhere_are_no_words() -> None:
    nowhere = Endpoint("udp", "0.0.0.0", 17)
    heard = Heard().say(nowhere, 1)
    heard.observations.note(observer(99), Endpoint.of_circuit(1), TRUE, 0.0)
    heard.observations.note(observer(98), peer_at(1), None, 0.0)
    assert len(heard.observations) == 0


def test_the_oldest_words_go_first_and_those_of_who_left() -> None:
    heard = Heard(observations_max=2).say(FALSE, 1).say(TRUE, 2).say(TRUE, 3)
    assert heard.observations.endpoints() == [TRUE]
    heard.observations.forget(observer(3))
    assert len(heard.observations) == 1


def test_a_node_without_a_box_is_seen_where_it_is() -> None:
    heard = Heard().say(TRUE, 1).say(TRUE, 2)
    assert heard.observations.mapping([TRUE]) is Mapping.NONE


def test_another_port_for_each_peer_is_a_hard_box() -> None:
    heard = Heard()
    for number, port in enumerate((5000, 31_000, 22_222, 60_001)):
        heard.say(TRUE._replace(port=port), number)
    assert heard.observations.mapping([OWN]) is Mapping.ADDRESS_AND_PORT_DEPENDENT
    assert heard.observations.step() == 0


@pytest.mark.parametrize("step", [1, 2, 8])
def test_a_box_that_counts_up_is_found_out(step: int) -> None:
    heard = Heard()
    for number in range(4):
        heard.say(TRUE._replace(port=5000 + step * number), number)
    assert heard.observations.step() == step


@pytest.mark.parametrize(
    ("mapping", "filtering", "kind"),
    [
        (Mapping.NONE, Filtering.ENDPOINT_INDEPENDENT, NatKind.OPEN),
        (Mapping.ADDRESS_AND_PORT_DEPENDENT, Filtering.ENDPOINT_INDEPENDENT, NatKind.OPEN),
        (Mapping.NONE, Filtering.DEPENDENT, NatKind.EASY),
        (Mapping.ENDPOINT_INDEPENDENT, Filtering.UNKNOWN, NatKind.EASY),
        (Mapping.ADDRESS_AND_PORT_DEPENDENT, Filtering.DEPENDENT, NatKind.HARD),
        (Mapping.UNKNOWN, Filtering.UNKNOWN, NatKind.UNKNOWN),
        (Mapping.NONE, Filtering.UNKNOWN, NatKind.UNKNOWN),
    ],
)
def test_what_a_node_is_to_its_callers(mapping: Mapping, filtering: Filtering, kind: NatKind) -> None:
    assert kind_of(mapping, filtering) is kind
