"""What an operation tells of whom it asked."""

from __future__ import annotations

import pytest

from mesh99.dht import DhtConfig
from mesh99.wire.record import Record

KEY = bytes.fromhex("5a") * 32


def record(node, sequence: int = 1) -> Record:
    return Record.create(node.identity, KEY, b"blue", sequence=sequence, ttl_s=600)


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=21)
    network.join(
        60, DhtConfig(bucket_size=4, value_replicas=4, store_quorum=3, join_count=4, refresh_count=2)
    )
    network.run(3.0)
    return network


def test_each_was_named_by_somebody_asked_before_it_who_answered(network) -> None:
    hops = [hop for node in network.nodes[:20] for hop in network.find_node(node, KEY).hops]
    assert any(hop.named_by is not None for hop in hops)
    for node in network.nodes[:20]:
        known = {}
        for hop in network.find_node(node, KEY).hops:
            if hop.named_by is None:
                assert hop.depth == 1
            else:
                teller = known[hop.named_by]
                assert (teller.outcome, teller.depth) == ("answered", hop.depth - 1)
                assert hop.asked_s >= teller.asked_s + teller.rtt_s
            known[hop.contact.node_id] = hop


def test_a_put_tells_who_stored_and_when(network) -> None:
    result = network.put(network.nodes[3], record(network.nodes[3]))
    stored = [hop for hop in result.hops if hop.remark == "stored"]
    assert {hop.contact.node_id for hop in stored} == set(result.stored_on) - {network.nodes[3].node_id}
    for hop in stored:
        assert hop.remark_s >= hop.asked_s + hop.rtt_s


def test_a_put_tells_why_it_was_refused(network) -> None:
    author = network.nodes[3]
    network.put(author, record(author, sequence=5))
    network.run(1.0)
    remarks = {hop.remark for hop in network.put(author, record(author, sequence=4)).hops}
    assert "refused: old sequence" in remarks


def test_a_get_tells_who_has_it(network) -> None:
    network.put(network.nodes[3], record(network.nodes[3]))
    network.run(1.0)
    reader = next(node for node in network.nodes if not node.dht.store.get(KEY, network.now))
    result = network.get(reader, KEY)
    [source] = [hop for hop in result.trace if hop.contact == result.source]
    assert source.remark == "1 record"
