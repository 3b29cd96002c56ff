"""Fifty and two hundred nodes on a virtual clock: join, put, get, silent death, loss, determinism."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.dht import DhtConfig
from mesh99.wire.record import Record, value_key

VALUES = 60


def put_all(network, random: Random) -> list[bytes]:
    keys = [value_key(f"key {number}") for number in range(VALUES)]
    for key in keys:
        node = random.choice([each for each in network.nodes if each.alive])
        result = network.put(node, Record.create(node.identity, key, key[:20], sequence=1, ttl_s=3600))
        assert len(result.stored_on) >= 5
    return keys


def get_all(network, keys: list[bytes], random: Random) -> list[float]:
    """Get every value from a random node; return how long each took."""
    times = []
    for key in keys:
        node = random.choice([each for each in network.nodes if each.alive])
        began = network.now
        (found,) = network.get(node, key).records
        assert found.value == key[:20]
        times.append(network.now - began)
    return sorted(times)


def kill_a_fifth(network, random: Random) -> None:
    for node in random.sample(network.nodes[1:], len(network.nodes) // 5):
        node.alive = False


@pytest.mark.parametrize("count", [50, 200])
def test_everything_put_is_found_even_after_a_fifth_has_died(virtual_network, count: int) -> None:
    network, random = virtual_network(seed=count), Random(count)
    joins = network.join(count)
    assert max(joins) < 0.1
    network.run(3.0)
    keys = put_all(network, random)
    assert get_all(network, keys, random)[-1] < 0.01
    kill_a_fifth(network, random)
    assert get_all(network, keys, random)[-1] < 0.05, "no get waits for the dead"
    network.run(60.0)
    assert get_all(network, keys, random)[-1] < 0.05


@pytest.mark.parametrize("count", [50, 200])
def test_everything_put_is_found_at_five_percent_loss(virtual_network, count: int) -> None:
    network, random = virtual_network(seed=count), Random(count)
    network.join(count)
    network.run(3.0)
    network.loss = 0.05
    keys = put_all(network, random)
    get_all(network, keys, random)
    kill_a_fifth(network, random)
    get_all(network, keys, random)


def test_lookups_are_exact_in_two_hundred_nodes(virtual_network) -> None:
    network, random = virtual_network(seed=3), Random(3)
    network.join(200)
    network.run(3.0)
    exact = 0
    for _ in range(20):
        node, target = random.choice(network.nodes), random.randbytes(32)
        expected = sorted(network.nodes, key=lambda each: each.node_id.distance(target))
        found = [contact.node_id for contact in network.find_node(node, target).contacts]
        exact += found == [each.node_id for each in expected if each is not node][:20]
    assert exact == 20


def test_the_dead_are_not_asked_again_and_again(virtual_network) -> None:
    network, random = virtual_network(seed=4), Random(4)
    network.join(50)
    network.run(3.0)
    reader = network.nodes[0]
    kill_a_fifth(network, random)
    dead = {node.node_id for node in network.nodes if not node.alive}
    for _ in range(10):
        network.find_node(reader, random.randbytes(32))
    wasted: list[bytes] = []

    def watch(source, to, payload: bytes) -> bool:
        if source is reader and to.node_id in dead:
            wasted.append(payload)
        return False

    network.drop = watch
    for _ in range(20):
        network.find_node(reader, random.randbytes(32))
    assert len(wasted) <= 3 * len(dead), "a second look at each at most"


def history(virtual_network, seed: int) -> str:
    network, random = virtual_network(seed=seed, loss=0.02), Random(seed)
    network.join(25)
    network.run(3.0)
    keys = put_all(network, random)
    kill_a_fifth(network, random)
    get_all(network, keys, random)
    network.run(700.0)
    return network.digest


def test_the_same_seed_gives_the_same_datagrams(virtual_network) -> None:
    assert history(virtual_network, 1) == history(virtual_network, 1)
    assert history(virtual_network, 1) != history(virtual_network, 2)


def test_a_dead_near_contact_does_not_hold_a_lookup_until_its_request_failed(virtual_network) -> None:
    network = virtual_network(seed=7)
    network.join(40)
    asker, dead = network.nodes[3], network.nodes[9]
    network.find_node(asker, dead.node_id)
    dead.alive = False
    begin = network.now
    result = network.find_node(asker, dead.node_id)
    all_tries_s = (1 + 2 + 4) * DhtConfig().timeout_s_min
    assert dead.contact not in result.contacts
    assert len(result.contacts) == DhtConfig().bucket_size
    assert network.now - begin < all_tries_s / 2


def test_a_lookup_that_nobody_answered_waits_for_the_last_try(virtual_network) -> None:
    network = virtual_network(seed=7)
    asker, only = network.add(2)
    asker.dht.verified(only.contact, 0.0)
    tries: list[bytes] = []

    def first_two(source, to, payload) -> bool:
        tries.append(payload)
        return len(tries) <= 2

    network.drop = first_two
    assert network.find_node(asker, only.node_id).contacts == [only.contact]
