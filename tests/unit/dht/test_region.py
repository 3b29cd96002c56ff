from __future__ import annotations

from random import Random

import pytest

from mesh99.dht import DhtConfig, region_store
from mesh99.dht.lookup import Candidate
from mesh99.dht.messages import FindNode, Store, StoredMany, StoreMany, encode_reply
from mesh99.dht.reading import decode
from mesh99.dht.region import Region, least_beyond
from mesh99.wire.record import Record, value_key


@pytest.mark.parametrize("bits", [1, 4, 5])
def test_least_beyond_is_the_least_of_all_that_are_farther(bits: int) -> None:
    for radius in range(2**bits):
        for offset in range(2**bits):
            # Whatever has more bits is farther than all these; one more bit stands for it.
            everything = range(radius + 1, 2 ** (bits + 1))
            assert least_beyond(radius, offset) == min(number ^ offset for number in everything)


def test_a_covered_key_has_its_true_replicas_among_those_found(make_contact) -> None:
    random = Random(3)
    covered = 0
    for _ in range(100):
        nodes = [random.getrandbits(12) for _ in range(60)]
        target = random.getrandbits(12)
        nearest = sorted(set(nodes), key=lambda number: number ^ target)[:20]
        found = [Candidate(make_contact(number), number ^ target, 1) for number in nearest]
        region = Region(target, found, 8, whole=False)
        for _ in range(50):
            key = target ^ random.getrandbits(10)
            truth = sorted(set(nodes), key=lambda number: number ^ key)[:8]
            if region.covers(key):
                covered += 1
                assert [each.contact.number for each in region.ranked(key)[:8]] == truth
    assert covered > 1000


def watched(network) -> list:
    """Collect every request that is sent from now on."""
    requests: list = []

    def watch(source, to, payload: bytes) -> bool:
        if payload:
            _, message = decode(payload)
            if isinstance(message, FindNode | Store | StoreMany):
                requests.append((source, to, message))
        return False

    network.drop = watch
    return requests


def publish(network, node, count: int, ttl_s: int = 600) -> list:
    def publication(number: int):
        key = value_key(f"key {number}")
        return node.dht.publish(
            lambda sequence: Record.create(node.identity, key, b"v", sequence=sequence, ttl_s=ttl_s),
            network.now,
        )

    publications = [publication(number) for number in range(count)]
    node.pump()
    return publications


def joined(virtual_network, seed: int, count: int):
    network = virtual_network(seed=seed)
    network.join(count)
    network.run(3.0)
    return network


def holders(network, number: int) -> list:
    return [node for node in network.nodes if node.dht.store.get(value_key(f"key {number}"), network.now)]


def test_records_that_lie_together_are_published_with_few_lookups_on_their_true_holders(
    virtual_network,
) -> None:
    network = joined(virtual_network, 41, 60)
    author = network.nodes[3]
    publications = publish(network, author, 150)
    network.run(5.0)
    for number, publication in enumerate(publications):
        key = value_key(f"key {number}")
        nearest = sorted(network.nodes, key=lambda node: node.node_id.distance(key))[:8]
        assert set(holders(network, number)) >= set(nearest)
        assert publication.result is not None
        assert len(publication.result.stored_on) >= 8


def test_what_is_renewed_together_stays_together(virtual_network) -> None:
    network = joined(virtual_network, 42, 60)
    author = network.nodes[3]
    publications = publish(network, author, 150)
    network.run(5.0)
    requests = watched(network)
    network.run(410.0)
    assert all(publication.result.newest_sequence == 0 for publication in publications)
    many = [message for source, _, message in requests if isinstance(message, StoreMany)]
    alone = [message for source, _, message in requests if isinstance(message, Store)]
    lookups = {message.target for source, _, message in requests if isinstance(message, FindNode)}
    assert sum(len(message.records) for message in many) + len(alone) >= 150 * 8
    assert len(many) < 150 * 8 / 3
    assert len(lookups) <= 30
    network.run(1000.0)
    assert all(len(holders(network, number)) >= 8 for number in range(150))


def test_a_record_next_to_a_crowd_is_stored_apart(virtual_network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_store, "CROWD_NODES", 1)
    network = joined(virtual_network, 47, 40)
    requests = watched(network)
    publications = publish(network, network.nodes[3], 20)
    network.run(5.0)
    assert all(len(publication.result.stored_on) >= 8 for publication in publications)
    assert not any(isinstance(message, StoreMany) for _, _, message in requests)


def test_a_holder_that_dies_meanwhile_is_replaced(virtual_network) -> None:
    network = joined(virtual_network, 43, 40)
    author = network.nodes[3]
    doomed: list = []

    def kill_one(source, to, payload: bytes) -> bool:
        if not doomed and payload and isinstance(decode(payload)[1], StoreMany):
            (victim,) = [node for node in network.nodes if node.node_id == to.node_id]
            victim.alive = False
            doomed.append(victim)
        return False

    network.drop = kill_one
    publications = publish(network, author, 60)
    network.run(9.0)
    assert doomed
    assert all(len(publication.result.stored_on) >= 8 for publication in publications)
    by_region = publications[8:]  # the first went alone, before anybody died
    assert not any(doomed[0].node_id in publication.result.stored_on for publication in by_region)


def test_a_holder_that_answers_too_little_is_no_holder(virtual_network) -> None:
    network = joined(virtual_network, 44, 40)
    liar = network.nodes[7]
    honest = liar.dht.server

    class Liar:
        def reply(self, request_id, request, sender, now, size_max):
            if isinstance(request, StoreMany):
                return encode_reply(request_id, StoredMany([]))
            return honest.reply(request_id, request, sender, now, size_max)

    liar.dht.server = Liar()
    publications = publish(network, network.nodes[3], 60)
    network.run(5.0)
    assert all(len(publication.result.stored_on) >= 8 for publication in publications)


def test_sequences_are_learnt_from_holders_of_a_region(virtual_network) -> None:
    network = joined(virtual_network, 45, 30)
    author = network.nodes[3]
    first = publish(network, author, 40)
    network.run(3.0)
    for publication in first:
        publication.renew(network.now)
    author.pump()
    network.run(3.0)
    for publication in first:
        publication.cancel()
    again = publish(network, author, 40)
    network.run(3.0)
    assert all(publication.result.newest_sequence == 0 for publication in again)
    for number in range(40):
        (found,) = network.get(network.nodes[9], value_key(f"key {number}")).records
        assert found.sequence == 3


def test_a_cancelled_publication_leaves_the_queue(virtual_network) -> None:
    network = joined(virtual_network, 46, 30)
    author = network.nodes[3]
    publications = publish(network, author, 40)
    for publication in publications[20:]:
        publication.cancel()
    network.run(3.0)
    assert all(holders(network, number) for number in range(20))
    assert not any(holders(network, number) for number in range(30, 40))


def test_how_many_records_go_with_one_lookup_is_bounded(virtual_network) -> None:
    network = virtual_network(seed=47)
    network.join(6, DhtConfig(region_records_max=10, publishing_max=1))
    network.run(3.0)
    requests = watched(network)
    publish(network, network.nodes[1], 61)
    network.run(5.0)
    lookups = {message.target for _, _, message in requests if isinstance(message, FindNode)}
    assert 6 <= len(lookups) <= 8
    assert all(len(holders(network, number)) == 6 for number in range(61))
