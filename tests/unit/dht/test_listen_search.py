"""Where a key is listened to: at the nearest, and around a crowd that stands next to it."""

from __future__ import annotations

from collections import Counter

from mesh99.dht import DhtConfig, crowd, listen
from mesh99.dht.crowd import CROWD_NODES, REGION_NODES, SHELL_COUNTS
from mesh99.dht.distance import number_of
from mesh99.dht.messages import FindNode, Listen
from mesh99.dht.reading import decode
from mesh99.dht.search import NodeSearch
from mesh99.wire.errors import DecodeError
from mesh99.wire.record import value_key

KEYS = [value_key(f"key {number}") for number in range(30)]


def made(virtual_network, **limits):
    network = virtual_network(seed=11)
    network.join(60, DhtConfig(**limits))
    network.run(3.0)
    return network


def asked_for(network, listener, key: bytes) -> tuple[int, list]:
    """Listen to a key; return how many FIND_NODE that took, and who got a LISTEN."""
    sent: Counter[type] = Counter()
    registered: list = []

    def note(source, to, payload) -> bool:
        try:
            message = decode(payload)[1]
        except DecodeError:
            return False
        if source is listener:
            sent[type(message)] += 1
            registered.extend([to.node_id] if isinstance(message, Listen) else [])
        return False

    network.drop = note
    handle = listener.dht.listen(key, network.now, lambda change: None)
    listener.pump()
    network.run(2.0)
    handle.cancel()
    return sent[FindNode], registered


def nearest(network, listener, key: bytes, count: int) -> list:
    ids = [node.node_id for node in network.nodes if node is not listener]
    return sorted(ids, key=lambda node_id: node_id.distance(key))[:count]


def in_region(network, listener, key: bytes) -> int:
    radius = listener.dht.table.radius(REGION_NODES)
    return sum(node.contact.number ^ number_of(key) <= radius for node in network.nodes)


def test_where_there_is_no_crowd_the_nearest_are_asked_and_nobody_else(virtual_network, monkeypatch) -> None:
    asked = []
    for search in (listen.ListenSearch, lambda context, key, done: NodeSearch(context, key, 4, done)):
        monkeypatch.setattr(listen, "ListenSearch", search)
        network = made(virtual_network)
        listener = network.nodes[7]
        usual = [key for key in KEYS if in_region(network, listener, key) <= 12]
        assert len(usual) >= 25
        asked.append([asked_for(network, listener, key) for key in usual])
        registered = [of_key for _, of_key in asked[-1]]
        assert registered == [nearest(network, listener, key, 4) for key in usual]
    now, before = asked
    assert now == before


def test_a_region_with_more_than_may_be_doubted_is_listened_at_as_a_whole(
    virtual_network, monkeypatch
) -> None:
    monkeypatch.setattr(crowd, "REGION_NODES", 30)
    monkeypatch.setattr(crowd.KeySearch, "is_crowded", lambda search: False)
    network = made(virtual_network)
    listener = network.nodes[7]
    _, registered = asked_for(network, listener, KEYS[0])
    assert set(registered) == set(nearest(network, listener, KEYS[0], CROWD_NODES))


def test_around_a_crowd_there_are_more_but_not_without_limit(virtual_network, monkeypatch) -> None:
    monkeypatch.setattr(crowd.KeySearch, "is_crowded", lambda search: True)
    network = made(virtual_network)
    listener = network.nodes[7]
    _, registered = asked_for(network, listener, KEYS[0])
    assert set(nearest(network, listener, KEYS[0], 4)) < set(registered)
    assert 12 < len(registered) <= 4 + sum(SHELL_COUNTS)
    network = made(virtual_network, listen_holders_max=6)
    listener = network.nodes[7]
    _, registered = asked_for(network, listener, KEYS[0])
    assert len(registered) == 6
