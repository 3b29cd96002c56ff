"""Evicted contacts: who is kept, when they are tried, and that one who is back is found."""

from __future__ import annotations

from itertools import pairwise

from mesh99.dht import Dht, DhtConfig
from mesh99.dht.messages import Ping
from mesh99.dht.reading import decode

HALF = 1 << 255


def split(network, sides) -> None:
    network.drop = lambda source, to, payload: sides[source.node_id] != sides[to.node_id]


def heal(network) -> None:
    network.drop = lambda source, to, payload: False


def evict(dht: Dht, contact, up_since: float, now: float) -> None:
    """Let a contact be met and fail as often as it takes."""
    dht.remember([(contact, up_since, now)], now)
    entry = dht.table.find(contact.node_id)
    while dht.table.find(contact.node_id) is entry:
        dht._peer_failed(contact, now)


def pings_to_the_gone(network, dht_node, hours: float) -> list[float]:
    """Return when a node pings while nobody answers."""
    pings: list[float] = []

    def nobody_answers(source, to, payload: bytes) -> bool:
        if source is dht_node and payload and isinstance(decode(payload)[1], Ping):
            pings.append(network.now)
        return True

    network.drop = nobody_answers
    for node in network.nodes:
        node.pump()
    network.run(hours * 3600)
    return pings


def test_two_halves_that_forgot_each_other_meet_again(virtual_network) -> None:
    network = virtual_network(seed=51)
    network.join(12)
    network.run(5.0)
    sides = {node.node_id: place % 2 for place, node in enumerate(network.nodes)}
    split(network, sides)
    network.run(7200.0)
    for node in network.nodes:
        assert {sides[entry.contact.node_id] for entry in node.dht.table} == {sides[node.node_id]}
        assert len(node.dht._first.evicted) >= 4
    heal(network)
    network.run(1800.0)
    assert min(len(node.dht.table) for node in network.nodes) >= 9
    network.run(7200.0)
    assert not any(len(node.dht._first.evicted) for node in network.nodes)


def test_only_members_are_kept_and_who_is_heard_of_again_is_no_more(virtual_network, make_contact) -> None:
    network = virtual_network(seed=52)
    (node,) = network.add(1, DhtConfig(bucket_size=1, join_count=1, refresh_count=1))
    far = node.node_id.number ^ HALF
    member, reserve = make_contact(far), make_contact(far ^ 1)
    node.dht.verified(member, 1.0)
    node.dht.verified(reserve, 1.0)
    for _ in range(2):
        node.dht._peer_failed(reserve, 2.0)
    assert reserve.node_id not in node.dht._first.evicted
    for _ in range(2):
        node.dht._peer_failed(member, 2.0)
    assert member.node_id in node.dht._first.evicted
    node.dht.verified(member, 3.0)
    assert len(node.dht._first.evicted) == 0


def test_the_longest_known_are_kept_and_two_of_a_subnet(virtual_network, make_contact) -> None:
    network = virtual_network(seed=53)
    (node,) = network.add(1, DhtConfig(evicted_max=3))
    for number, known_s in ((1, 50.0), (2, 500.0), (3, 5.0), (4, 5000.0)):
        evict(node.dht, make_contact(number), 10_000.0 - known_s, 10_000.0)
    assert len(node.dht._first.evicted) == 3
    assert make_contact(3).node_id not in node.dht._first.evicted
    (node,) = network.add(1)
    for number in range(1, 6):
        evict(node.dht, make_contact(number, f"8.8.8.{number}"), 0.0, 10_000.0)
    assert len(node.dht._first.evicted) == 2


def test_tries_are_apart_become_rare_and_end(virtual_network, make_contact) -> None:
    network = virtual_network(seed=55)
    node, *gone = network.add(31, DhtConfig(tries_max=1))
    for other in gone:
        evict(node.dht, other.contact, 0.0, 0.0)
    pings = pings_to_the_gone(network, node, 26.0)
    assert len(node.dht._first.evicted) == 0
    assert 30 * 10 <= len(pings) <= 30 * 20
    assert min(later - earlier for earlier, later in pairwise(pings)) >= 59.9
