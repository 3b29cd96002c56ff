from __future__ import annotations

from mesh99.dht import DhtConfig
from mesh99.wire.record import Record, value_key


def nearest(network, key: bytes) -> list:
    return sorted(network.nodes, key=lambda node: node.node_id.distance(key))


def test_records_follow_their_keys_as_the_network_grows(virtual_network) -> None:
    network = virtual_network(seed=21)
    network.join(4)
    network.run(2.0)
    keys = [value_key(f"key {number}") for number in range(20)]
    for key in keys:
        network.put(
            network.nodes[0], Record.create(network.nodes[0].identity, key, b"v", sequence=1, ttl_s=3600)
        )
    network.join(46)
    network.run(5.0)
    for key in keys:
        holding = [node for node in nearest(network, key)[:8] if node.dht.store.get(key, network.now)]
        assert len(holding) >= 7
    for node in network.nodes[:4]:
        node.alive = False
    for position, key in enumerate(keys):
        assert network.get(network.nodes[10 + position], key).records


def test_a_copy_lives_no_longer_than_its_original(virtual_network) -> None:
    network = virtual_network(seed=22)
    network.join(2)
    network.run(2.0)
    key = value_key("short")
    author = network.nodes[0]
    network.put(author, Record.create(author.identity, key, b"v", sequence=1, ttl_s=100))
    ends = network.now + 100
    network.run(50.0)
    network.join(1)
    network.run(3.0)
    (copy,) = network.nodes[2].dht.store.get(key, network.now)
    assert ends - 3 < copy.expires_at <= ends


def test_only_the_nearest_holders_give(virtual_network) -> None:
    network = virtual_network(seed=23)
    network.join(10)
    network.run(2.0)
    key = value_key("popular")
    author = network.nodes[0]
    network.put(author, Record.create(author.identity, key, bytes(500), sequence=1, ttl_s=3600))
    network.run(1.0)
    stores: list[bytes] = []

    def watch(source, to, payload: bytes) -> bool:
        if len(payload) > 600 and to.node_id == network.nodes[-1].node_id:
            stores.append(payload)
        return False

    network.drop = watch
    network.join(1)
    network.run(5.0)
    assert len(stores) <= 3


def test_what_is_handed_over_at_once_is_bounded(virtual_network) -> None:
    network = virtual_network(seed=24)
    first, second = network.add(2, DhtConfig(handovers_max=5))
    for number in range(20):
        key = value_key(f"key {number}")
        first.dht.put(
            Record.create(first.identity, key, b"v", sequence=1, ttl_s=3600), network.now, lambda result: None
        )
    first.dht.verified(second.contact, network.now)
    first.pump()
    network.run(5.0)
    assert len(second.dht.store) == 5
