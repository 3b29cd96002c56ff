"""Keys that are shared by more owners than there is room for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.spread import CrowdedKeys, path_of
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import Record, capability_key, shard_key

KEY = capability_key("popular")
OWNERS = 60
SMALL = DhtConfig(records_per_key_max=16, change_s_min=0.1)
OWNERS_OF_ALL = [Identity(bytes([number + 1]) * 32) for number in range(OWNERS)]


def signing(identity: Identity, ttl_s: int = 600) -> Callable[[bytes, int], Record]:
    return lambda key, sequence: Record.create(identity, key, b"here", sequence=sequence, ttl_s=ttl_s)


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=51)
    network.join(40, SMALL)
    network.run(2.0)
    return network


def publish(network, identity: Identity, index: int, ttl_s: int = 600):
    node = network.nodes[index % len(network.nodes)]
    publication = node.dht.publish_spread(KEY, identity.node_id, signing(identity, ttl_s), network.now)
    node.pump()
    network.run(0.5)
    return publication


def find(network, node, want: int, fits=None):
    results = []
    node.dht.get_spread(KEY, network.now, results.append, want=want, fits=fits)
    return network._result(node, results)


def test_all_of_a_crowd_are_found_and_no_holder_has_more_than_it_may(network) -> None:
    publications = [publish(network, identity, n) for n, identity in enumerate(OWNERS_OF_ALL)]
    depths = [publication.depth for publication in publications]
    assert set(depths[:16]) == {0}
    assert min(depths[40:]) >= 1
    held = [len(node.dht.store.get(KEY, network.now)) for node in network.nodes]
    assert max(held) <= 16
    assert len([count for count in held if count]) <= 2 * SMALL.value_replicas
    reader = network.nodes[7]
    for _ in range(2):
        result = find(network, reader, 256)
        assert {record.owner for record in result.records} == {each.public_key for each in OWNERS_OF_ALL}
        assert {found.record for found in result.found} == set(result.records)
    [only] = find(network, reader, 1, lambda record: record.owner == OWNERS_OF_ALL[-1].public_key).records
    assert only.owner == OWNERS_OF_ALL[-1].public_key


def test_where_there_is_room_again_the_shards_are_left(network) -> None:
    for n, identity in enumerate(OWNERS_OF_ALL[:16]):
        publish(network, identity, n, ttl_s=60).cancel()
    last = publish(network, OWNERS_OF_ALL[-1], 3, ttl_s=90)
    assert last.depth == 1
    network.run(200.0)
    assert last.depth == 0
    assert len(find(network, network.nodes[7], 256).records) == 1
    last.cancel()
    network.run(100.0)
    assert find(network, network.nodes[9], 256).records == []


def test_a_few_are_read_with_one_get(network) -> None:
    for n, identity in enumerate(OWNERS_OF_ALL[:5]):
        assert publish(network, identity, n).depth == 0
    searches = network.nodes[7].dht.statistics().lookups
    assert len(find(network, network.nodes[7], 32).records) == 5
    assert network.nodes[7].dht.statistics().lookups == searches + 1


def test_a_change_reaches_the_shard(network) -> None:
    for n, identity in enumerate(OWNERS_OF_ALL[:16]):
        publish(network, identity, n)
    last = publish(network, OWNERS_OF_ALL[-1], 3)
    last.change(network.now)
    network.nodes[3].pump()
    network.run(1.0)
    owner = OWNERS_OF_ALL[-1].public_key
    [record] = [each for each in find(network, network.nodes[7], 256).records if each.owner == owner]
    assert record.sequence == 2


def test_nobody_is_found_in_a_shard_that_is_not_his(network) -> None:
    for n, identity in enumerate(OWNERS_OF_ALL[:16]):
        publish(network, identity, n)
    stranger = OWNERS_OF_ALL[-1]
    wrong = bytes([stranger.node_id[0] >> 4 ^ 1])
    assert network.put(network.nodes[2], signing(stranger)(shard_key(KEY, wrong), 1)).stored_on
    owners = {record.owner for record in find(network, network.nodes[7], 256).records}
    assert owners == {identity.public_key for identity in OWNERS_OF_ALL[:16]}


def test_what_is_newer_hides_what_fitted(network) -> None:
    identity, path = OWNERS_OF_ALL[0], path_of(OWNERS_OF_ALL[0].node_id, 1)
    for n, other in enumerate(OWNERS_OF_ALL[1:12]):
        publish(network, other, n)
    old = Record.create(identity, KEY, b"fits", sequence=1, ttl_s=600)
    new = Record.create(identity, shard_key(KEY, path), b"does not", sequence=2, ttl_s=600)
    for record in (old, new):
        assert network.put(network.nodes[3], record).stored_on
    assert find(network, network.nodes[7], 256, lambda record: record.value == b"fits").records == []


def test_paths_are_half_bytes() -> None:
    node_id = NodeId(bytes.fromhex("a1b2") + bytes(30))
    assert [path_of(node_id, depth).hex() for depth in range(5)] == ["", "0a", "0a01", "0a010b", "0a010b02"]
    assert shard_key(KEY, b"") == KEY
    assert len({shard_key(KEY, path_of(node_id, depth)) for depth in range(5)}) == 5


def test_crowded_keys_are_forgotten() -> None:
    keys = CrowdedKeys(2, 10.0)
    for number in range(3):
        keys.add(bytes([number]), float(number))
    assert [keys.has(bytes([number]), 11.5) for number in range(3)] == [False, False, True]
    assert keys.has(b"\1", 10.5)
