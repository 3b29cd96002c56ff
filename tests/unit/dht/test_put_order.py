"""Whom a put asks when."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.dht import Dht, DhtConfig
from mesh99.dht.messages import Store
from mesh99.dht.put import StoreSearch
from mesh99.dht.reading import decode
from mesh99.wire.endpoint import IPV4, IPV6
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record, value_key


def first_messages(writer) -> list:
    return [(request.contact, decode(request.payload)[1]) for request in writer.dht.take_requests()]


@pytest.mark.parametrize("number", range(6))
def test_until_somebody_named_the_nearest_only_those_where_they_should_be_are_asked(
    virtual_network, number
) -> None:
    network = virtual_network(seed=11)
    network.join(40)
    network.run(3.0)
    writer = network.nodes[7]
    key = value_key(f"colour {number}")
    record = Record.create(writer.identity, key, b"blue", sequence=1, ttl_s=3600)
    results: list = []
    writer.dht.put(record, network.now, results.append)
    asked = first_messages(writer)
    radius = writer.dht.table.radius(8)
    beyond = [contact for contact, _ in asked if contact.node_id.distance(key) > radius]
    assert len(asked) >= 3
    assert not beyond or len(asked) == 3


def test_once_somebody_has_named_the_nearest_those_whose_tokens_are_at_hand_get_it_at_once(
    virtual_network,
) -> None:
    network = virtual_network(seed=11)
    network.join(40)
    network.run(3.0)
    writer = network.nodes[7]
    for number in range(30):  # now it has met all
        network.put(writer, Record.create(writer.identity, value_key(f"{number}"), b"x", sequence=1, ttl_s=9))
    network.run(1.0)
    sent: list = []
    network.drop = lambda source, to, payload: bool(
        source is writer and sent.append(type(decode(payload)[1])) if payload else False
    )
    for number in range(10):
        record = Record.create(writer.identity, value_key(f"colour {number}"), b"blue", sequence=1, ttl_s=9)
        assert len(network.put(writer, record).stored_on) >= 5
        network.run(0.2)
    requests = [kind for kind in sent if kind.__name__ in ("Store", "FindNode")]
    assert requests.count(Store) >= 80
    assert len(requests) <= 85, "hardly anybody is asked for a token first"


@pytest.mark.parametrize("family", [IPV4, IPV6])
def test_where_many_stand_in_the_region_a_node_of_both_families_goes_on_asking_for_one(
    make_contact, family
) -> None:
    identity = Identity.generate(Random(7).randbytes)
    dht = Dht(identity, DhtConfig(), Random(7), 0.0, families=IPV4 | IPV6)
    context = next(each for each in dht.contexts if each.family == family)
    host = "127.0.0.1" if family == IPV4 else "::1"
    record = Record.create(identity, (1).to_bytes(32, "big"), b"blue", sequence=1, ttl_s=3600)
    for number in range(2, 14):
        context.table.verified(make_contact(number, host), 0.0)
    search = StoreSearch(context, record, 5, lambda result, now: None)
    before = search.request
    search.start(0.0, lambda now: None)
    assert search.request.want > before.want
    assert search.request.families == before.families == family


def test_of_those_who_are_stored_at_unasked_two_name_the_neighbourhood(virtual_network) -> None:
    network = virtual_network(seed=7)
    network.join(30)
    network.run(10.0)
    writer, key = network.nodes[3], value_key("colour")
    stores: list[Store] = []

    def note(source, to, payload: bytes) -> bool:
        message = decode(payload)[1] if payload else None
        if isinstance(message, Store):
            stores.append(message)
        return False

    network.drop = note
    network.put(writer, Record.create(writer.identity, key, b"blue", sequence=1, ttl_s=3600))
    network.run(1.0)
    assert len(stores) >= 7
    assert sum(store.want > 0 for store in stores) == 2
