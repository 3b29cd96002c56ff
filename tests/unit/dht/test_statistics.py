"""What a Dht tells of itself."""

from __future__ import annotations

from random import Random
from statistics import median, quantiles

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.distance import SPACE
from mesh99.dht.statistics import network_size
from mesh99.dht.table import RoutingTable
from mesh99.wire.identity import NodeId
from mesh99.wire.record import Record


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=5)
    network.join(40)
    network.run(3.0)
    return network


def test_everything_asked_is_answered_failed_or_under_way(network) -> None:
    dead = network.nodes[7]
    dead.alive = False
    asker = network.nodes[3]
    for number in range(20):
        network.find_node(asker, bytes([number * 12]) * 32)
    network.run(10.0)
    seen = asker.dht.statistics()
    assert seen.requests == seen.answers + sum(seen.failures.values()) + seen.requests_in_flight
    assert seen.failures["silent"] >= 1
    assert seen.timeouts >= 3 * seen.failures["silent"]
    assert seen.lookups >= 20
    assert (seen.lookups_running, seen.lookups_waiting) == (0, 0)
    assert 0.4 <= seen.rtt_p50_ms <= 1.2  # two of the virtual network's one-way delays


def test_the_table_and_the_store_are_counted(network) -> None:
    author = network.nodes[3]
    network.put(author, Record.create(author.identity, bytes(32), b"blue", sequence=1, ttl_s=60))
    network.run(1.0)
    for node in network.nodes:
        seen = node.dht.statistics()
        assert sum(seen.contacts_by_bucket.values()) == seen.contacts == len(node.dht.table)
        assert (seen.records, seen.record_bytes > 0) == (len(node.dht.store), len(node.dht.store) > 0)


def test_unreachable_peers_and_drops_have_their_reasons(network) -> None:
    asker, peer = network.nodes[3], network.nodes[5]
    asker.dht.find_node(peer.node_id, network.now, lambda result: None)
    asker.dht.unreachable(peer.node_id, network.now)
    asker.dht.receive(b"\xff", peer.contact, network.now)
    seen = asker.dht.statistics()
    assert seen.failures["unreachable"] == 1
    assert seen.dropped == {"malformed": 1}


def test_a_refresh_counts_as_one(network) -> None:
    node = network.nodes[3]
    before = node.dht.statistics()
    network.run(4000.0)
    assert node.dht.statistics().refreshes > before.refreshes


def test_few_nodes_are_counted_and_many_estimated(network) -> None:
    assert network_size(0, 20, SPACE) == 1
    assert network_size(19, 20, SPACE) == 20
    assert network_size(100, 20, SPACE // 5000) == 5000
    estimates = [node.dht.statistics().network_size for node in network.nodes]
    assert estimates == [node.dht.size_estimate() for node in network.nodes]
    assert 20 <= median(estimates) <= 80  # within a factor of two: young tables lack some of their neighbours


def test_estimates_scatter_around_the_truth(make_contact) -> None:
    random, nodes, config = Random(9), 400, DhtConfig()
    estimates = []
    for _ in range(80):
        table = RoutingTable(NodeId(random.randbytes(32)), config)
        for _ in range(nodes - 1):
            table.verified(make_contact(random.getrandbits(256)), 1.0)
        estimates.append(network_size(len(table), config.bucket_size, table.radius(1)) / nodes)
    below, middle, above = quantiles(estimates, n=4)
    assert 0.7 < below < middle < above < 1.6
    assert 0.85 < middle < 1.2
