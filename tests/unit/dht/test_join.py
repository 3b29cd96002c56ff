from __future__ import annotations

from random import Random

from mesh99.dht import Dht, DhtConfig
from mesh99.dht.messages import FindNode, Nodes, encode_reply
from mesh99.dht.reading import decode
from mesh99.wire.identity import Identity


def test_it_joins_through_contacts_that_it_never_met(virtual_network) -> None:
    network = virtual_network(seed=44)
    network.join(30)
    (newcomer,) = network.add(1)
    results: list = []
    through = [node.contact for node in network.nodes[:3]]
    newcomer.dht.bootstrap(network.now, results.append, through=through)
    newcomer.pump()
    network.run_until(lambda: bool(results))
    assert len(results[0].contacts) == DhtConfig().join_count
    assert all(contact.node_id in newcomer.dht.table for contact in results[0].contacts)


def test_everybody_given_is_asked_at_once_until_one_answers(make_contact) -> None:
    dht = Dht(Identity(bytes(32)), DhtConfig(), Random(1), 0.0)
    through = [make_contact(number) for number in range(1, 9)]
    dht.bootstrap(0.0, lambda result: None, through=through)
    requests = dht.take_requests()
    assert {request.contact for request in requests} == set(through)
    request_id, _ = decode(requests[0].payload)
    named = [make_contact(number) for number in range(100, 110)]
    dht.receive(encode_reply(request_id, Nodes(bytes(8), named)), requests[0].contact, 0.1)
    assert not dht.take_requests(), "with one answer there is time: seven are still in flight"


def test_none_who_answers_is_told_as_nobody(virtual_network) -> None:
    network = virtual_network(seed=45)
    newcomer, dead = network.add(2)
    dead.alive = False
    results: list = []
    newcomer.dht.bootstrap(network.now, results.append, through=[dead.contact])
    newcomer.pump()
    network.run_until(lambda: bool(results))
    assert results[0].contacts == []
    assert len(newcomer.dht.table) == 0


def test_far_buckets_are_left_to_use_where_the_configuration_says_so(virtual_network) -> None:
    sent = {}
    for fill in (True, False):
        network = virtual_network(seed=46)
        network.join(60, DhtConfig(fill_far_at_join=fill, join_count=8))
        sent[fill] = network.datagrams
    assert sent[False] < 0.8 * sent[True]


def test_a_lookup_asks_for_somewhat_more_contacts_than_it_seeks(make_contact) -> None:
    config = DhtConfig()
    dht = Dht(Identity(bytes(32)), config, Random(1), 0.0)
    dht.verified(make_contact(1), 0.0)
    dht.find_node(bytes(32), 0.0, lambda result: None, count=2)
    (request,) = dht.take_requests()
    assert decode(request.payload)[1] == FindNode(bytes(32), 2 + config.parallelism)
