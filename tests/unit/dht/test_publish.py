from __future__ import annotations

import pytest

from mesh99.wire.record import Record, value_key

KEY = value_key("here I am")


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=12)
    network.join(12)
    network.run(3.0)
    return network


def publish(network, node, ttl_s: int = 600):
    signed: list[int] = []

    def record_of(sequence: int) -> Record:
        signed.append(sequence)
        return Record.create(node.identity, KEY, b"%d" % sequence, sequence=sequence, ttl_s=ttl_s)

    publication = node.dht.publish(record_of, network.now)
    node.pump()
    return publication, signed


def test_a_published_record_outlives_its_first_life_until_cancelled(network) -> None:
    publication, signed = publish(network, network.nodes[1])
    network.run(2000.0)
    assert 4 <= len(signed) <= 7, "put again at two thirds of its life"
    assert network.get(network.nodes[5], KEY).records
    publication.cancel()
    count = len(signed)
    network.run(700.0)
    assert len(signed) == count
    assert network.get(network.nodes[5], KEY).records == []


def test_after_a_restart_the_sequence_is_learnt_from_the_holders(network) -> None:
    publication, _ = publish(network, network.nodes[1])
    for _ in range(6):
        publication.renew(network.now)
        network.nodes[1].pump()
        network.run(1.0)
    publication.cancel()
    _, signed = publish(network, network.nodes[1])
    network.run(1.0)
    assert signed == [1, 8]
    (found,) = network.get(network.nodes[5], KEY).records
    assert found.sequence == 8


def test_renewals_while_putting_are_one(network) -> None:
    publication, signed = publish(network, network.nodes[1])
    for _ in range(5):
        publication.renew(network.now)
    network.run(1.0)
    assert signed == [1, 2]
    assert publication.result is not None
    assert len(publication.result.stored_on) >= 8


def test_a_publication_nobody_took_is_tried_again(virtual_network) -> None:
    network = virtual_network(seed=13)
    first, second = network.add(2)
    _, signed = publish(network, first)
    network.run(60.0)
    assert 3 <= len(signed) <= 5, "with growing pauses"
    first.dht.verified(second.contact, network.now)
    first.pump()
    network.run(60.0)
    assert second.dht.store.get(KEY, network.now)


def test_changes_are_published_at_once_and_then_together(network) -> None:
    publication, signed = publish(network, network.nodes[1])
    network.run(6.0)
    for _ in range(30):
        publication.change(network.now)
        network.nodes[1].pump()
        network.run(0.1)
    assert signed == [1, 2]
    network.run(3.0)
    assert signed == [1, 2, 3]
    network.run(60.0)
    assert signed == [1, 2, 3]


def test_a_change_while_putting_is_not_lost_and_a_cancelled_publication_has_none(network) -> None:
    publication, signed = publish(network, network.nodes[1])
    publication.change(network.now)
    network.run(4.0)
    assert signed == [1]
    network.run(3.0)
    assert signed == [1, 2]
    publication.cancel()
    publication.change(network.now)
    network.run(20.0)
    assert signed == [1, 2]


def test_what_was_put_a_moment_ago_is_renewed_in_its_time_only(network) -> None:
    node = network.nodes[1]
    first = Record.create(node.identity, KEY, b"first", sequence=1, ttl_s=600)
    result = network.put(node, first)
    signed: list[float] = []

    def record_of(sequence: int) -> Record:
        signed.append(network.now)
        return Record.create(node.identity, KEY, b"%d" % sequence, sequence=sequence, ttl_s=600)

    began = network.now
    publication = node.dht.publish(record_of, began, (first, result))
    network.run(300.0)
    assert signed == []
    network.run(200.0)
    assert len(signed) == 1
    network.run(200.0)
    assert network.get(network.nodes[5], KEY).records, "it has outlived its first life"
    publication.cancel()
