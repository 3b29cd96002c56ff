"""What a relay says of itself, and whom of several a node calls."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from mesh99.nat.messages import Open, Reserve
from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.relay.offer import Offer, choose
from mesh99.nat.relay.server import RelayServer
from mesh99.wire.attributes import Attributes
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.node_record import NodeRecord


def relay(number: int, host: int | None = None, **attributes: float) -> NodeRecord:
    key = Identity(bytes([number]) * 32).public_key
    endpoint = Endpoint("udp", f"20.0.0.{number if host is None else host}", 7400)
    return NodeRecord(public_key=key, endpoints=(endpoint,), attributes=attributes)


def test_load_is_the_scarcest_of_all_and_told_in_quarters() -> None:
    server = RelayServer(RelayConfig(serve=True, reservations_max=4, circuits_max=2, region="eu"))
    assert server.offer.attributes() == {"free": 4, "load": 0.0, "region": "eu"}
    peers = [NodeId(bytes([number]) * 32) for number in range(3)]
    for number, peer in enumerate(peers):
        server.receive(Reserve(), peer, Endpoint("udp", f"20.0.0.{number + 1}", 1), 0.0)
    assert server.offer == Offer(1, 0.75, "eu")
    server.receive(Open(2, peers[0]), peers[1], Endpoint("udp", "20.0.0.9", 1), 0.0)
    server.receive(Open(4, peers[0]), peers[1], Endpoint("udp", "20.0.0.9", 1), 0.0)
    assert server.offer.attributes()["load"] == 1.0
    assert not server.offer.has_room


@pytest.mark.parametrize(
    ("attributes", "offer"),
    [
        ({"free": 3, "load": 0.25, "region": "eu"}, Offer(3, 0.25, "eu")),
        ({}, Offer(1, 0.0)),
        ({"free": "many", "load": "none", "region": 7}, Offer(1, 0.0)),
    ],
)
def test_what_is_said_is_read_back_and_nonsense_is_not_believed(attributes: Attributes, offer: Offer) -> None:
    assert Offer.read(attributes) == offer


def test_full_relays_are_not_called() -> None:
    relays = [relay(1, free=0), relay(2, load=1.0), relay(3)]
    assert choose(relays, 4, Random(1)) == [relays[2]]


def test_everybody_calls_others_and_the_emptier_more_often() -> None:
    relays = [relay(number, load=0.75 if number <= 10 else 0.0) for number in range(1, 21)]
    called: Counter[NodeId] = Counter()
    for seed in range(400):
        called.update(each.node_id for each in choose(relays, 2, Random(seed)))
    full = sum(called[each.node_id] for each in relays[:10])
    assert len(called) == 20
    assert max(called.values()) < 2 * 800 / 10
    assert full < 800 * 0.35


def test_a_second_relay_at_one_address_comes_last() -> None:
    relays = [relay(1, 1), relay(2, 1), relay(3, 1), relay(4, 4)]
    for seed in range(20):
        first, second, *_ = choose(relays, 4, Random(seed))
        assert {str(first.endpoints[0]), str(second.endpoints[0])} == {
            "udp://20.0.0.1:7400",
            "udp://20.0.0.4:7400",
        }


@pytest.mark.parametrize("wrong", [{"serve": "sometimes"}, {"region": "x" * 65}, {"reservations_max": 0}])
def test_wrong_limits_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        RelayConfig(**wrong)  # type: ignore[arg-type]


def test_an_operator_gives_more_and_always_serves() -> None:
    config = RelayConfig.operator(circuits_max=7)
    assert (config.serve, config.circuits_max, config.bytes_per_s_max) == (True, 7, 0.0)
    assert config.reservations_max > RelayConfig().reservations_max
