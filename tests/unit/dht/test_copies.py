"""Copies of hot records on the way to their holders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.messages import FindValue, Store, StoreMany, Values, encode_request
from mesh99.dht.reading import decode
from mesh99.dht.rpc import Rpc
from mesh99.wire.record import Record, value_key

KEY = value_key("colour")
CONFIG = DhtConfig()
HOT = CONFIG.copy_asked_min


def record(node, value: bytes = b"blue", sequence: int = 1, key: bytes = KEY, ttl_s: int = 3600) -> Record:
    return Record.create(node.identity, key, value, sequence=sequence, ttl_s=ttl_s)


def by_distance(network, key: bytes = KEY) -> list:
    return sorted(network.nodes, key=lambda node: node.node_id.distance(key))


def ask(network, node, request: FindValue | None = None, times: int = 1) -> Values:
    """Ask a node as its neighbour does; return the last answer."""
    asker = network.nodes[0] if node is not network.nodes[0] else network.nodes[1]
    for _ in range(times):
        payload = encode_request(1, request or FindValue(KEY))
        _, reply = decode(node.dht.receive(payload, asker.contact, network.now))
        node.pump()
    assert isinstance(reply, Values)
    return reply


@pytest.fixture
def make(virtual_network):
    """Make a network whose author has put a record; return it, the author, and the node farthest from the key."""

    def make(**limits):
        network = virtual_network(seed=11)
        network.join(30, replace(CONFIG, **limits))
        network.run(3.0)
        author = by_distance(network)[10]
        network.put(author, record(author))
        network.run(1.0)
        return network, author, by_distance(network)[-1]

    return make


def copied(network, node, request: FindValue | None = None) -> Values:
    """Make a record hot at a node, and ask for it once more."""
    ask(network, node, request, times=HOT)
    network.run(0.5)
    return ask(network, node, request)


def only_on_the_way(network, *others) -> None:
    """Let nobody live but a few who hold nothing, and the others."""
    on_the_way = [node for node in by_distance(network) if not len(node.dht.store)][:5]
    for node in network.nodes:
        node.alive = node in (*others, *on_the_way)


def test_what_is_asked_for_again_and_again_is_fetched_and_served(make) -> None:
    network, author, far = make()
    assert ask(network, far, times=HOT - 1).records == []
    network.run(0.5)
    answer = copied(network, far)
    ((age_s, encoded),) = answer.records
    assert Record.decode(encoded) == record(author)
    assert age_s >= 1, "the age travels along, so a copy prolongs no life"
    assert (answer.total, answer.copies, answer.contacts) == (1, 1, [])


def test_requests_far_apart_make_nothing_hot(make) -> None:
    network, _, far = make()
    for _ in range(2 * HOT):
        assert ask(network, far, times=HOT - 1).records == []
        network.run(CONFIG.copy_window_s)
    assert len(far.dht.copies) == 0


def test_a_copy_of_one_owner_does_not_answer_for_another(make) -> None:
    network, author, far = make()
    of_author = FindValue(KEY, author.identity.public_key)
    assert copied(network, far, of_author).copies == 1
    assert ask(network, far, FindValue(KEY, far.identity.public_key)).records == []


def test_a_copy_is_no_part_of_the_store(make) -> None:
    network, _, far = make()
    assert copied(network, far).copies == 1
    assert len(far.dht.store) == 0


def test_whoever_may_be_a_holder_makes_no_copy(make) -> None:
    network, _, _ = make()
    holder = by_distance(network)[0]
    for held in list(holder.dht.store):
        holder.dht.store.expire(held.expires_at)
    assert copied(network, holder).copies == 0
    assert len(holder.dht.copies) == 0


def test_far_copies_end_first_and_none_lives_for_long(make) -> None:
    network, author, far = make()
    network.put(author, record(author, b"brief", key=value_key("brief"), ttl_s=40))
    brief = FindValue(value_key("brief"))
    outsiders = [node for node in by_distance(network, value_key("brief")) if not len(node.dht.store)]
    assert copied(network, outsiders[-1], brief).copies == 1
    network.run(20.0)
    assert ask(network, outsiders[-1], brief).records == [], "half of what was left, or less"
    assert copied(network, far).copies == 1
    network.run(CONFIG.copy_life_s_max - 1.0)
    assert ask(network, far).copies == 1
    network.run(1.0)
    assert ask(network, far).records == []


def test_a_newer_record_is_hidden_no_longer_than_a_copy_lives(make) -> None:
    network, author, far = make()
    assert copied(network, far).copies == 1
    network.put(author, record(author, b"green", sequence=2))
    ((_, encoded),) = ask(network, far).records
    assert Record.decode(encoded).value == b"blue"
    network.run(CONFIG.copy_life_s_max)
    ((_, encoded),) = copied(network, far).records
    assert Record.decode(encoded).value == b"green"


def test_whoever_wants_records_of_several_owners_gets_all_of_them(make) -> None:
    network, author, far = make()
    assert copied(network, far).copies == 1
    other = network.nodes[4]
    network.put(other, record(other, b"red"))
    network.run(1.0)
    assert ask(network, far, FindValue(KEY, want=2)).copies == 0
    for reader in network.nodes:
        assert {each.owner for each in network.get(reader, KEY, want=2).records} == {
            author.identity.public_key,
            other.identity.public_key,
        }


def test_a_copy_is_made_of_what_holders_say_and_never_of_a_copy(make) -> None:
    network, _, far = make()
    farther = by_distance(network)[-2]
    assert copied(network, far).copies == 1
    only_on_the_way(network, far, farther)
    ask(network, farther, times=HOT)
    network.run(CONFIG.lookup_timeout_s)
    assert ask(network, farther).records == []


def test_a_get_from_a_copy_gives_nothing_to_those_on_the_way(make, monkeypatch) -> None:
    network, _, far = make(greeted_max=0)
    assert copied(network, far).copies == 1
    reader = by_distance(network)[-2]
    only_on_the_way(network, far, reader)
    stores = []
    ask_ = Rpc.ask

    def noting(self, contact, message, waiter, now):
        stores.extend([message] if isinstance(message, Store | StoreMany) else [])
        return ask_(self, contact, message, waiter, now)

    monkeypatch.setattr(Rpc, "ask", noting)
    result = network.get(reader, KEY)
    assert result.source == far.contact
    assert [hop.remark for hop in result.trace if hop.contact == far.contact] == ["1 copy"]
    assert [hop for hop in result.trace if hop.contact != far.contact and hop.outcome == "answered"]
    assert stores == []


def test_what_was_taken_back_is_not_copied(make) -> None:
    network, author, far = make()
    network.put(author, record(author, b"", sequence=2))
    network.run(1.0)
    assert copied(network, far).records == []


def test_copies_are_few_and_the_least_lately_used_goes(make) -> None:
    network, author, _ = make(copies_max=2)
    far = by_distance(network)[-1]
    keys = [
        key for key in (value_key(f"key {n}") for n in range(60)) if far in by_distance(network, key)[-5:]
    ][:3]
    for key in keys:
        network.put(author, record(author, key=key))
        assert copied(network, far, FindValue(key)).copies == 1
        ask(network, far, FindValue(keys[0]))
    assert len(far.dht.copies) == 2
    assert [ask(network, far, FindValue(key)).copies for key in keys] == [1, 0, 1]


def test_who_asks_for_what_nobody_has_costs_few_lookups(make) -> None:
    network, _, far = make(copy_asked_keys_max=50)
    began = far.dht.statistics().lookups
    for number in range(100):
        ask(network, far, FindValue(value_key(f"nothing {number}")), times=HOT + 5)
    network.run(0.5)
    assert far.dht.statistics().lookups - began <= CONFIG.copy_fetches_max
    assert far.dht.copies.asked_keys == 50
