"""Many keys at once, all datagrams through their bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.messages import FindMany, FindValue, ValuesMany, encode_reply, encode_request
from mesh99.dht.reading import decode
from mesh99.dht.rpc import Rpc
from mesh99.wire.errors import ConfigError, QueueFull
from mesh99.wire.record import Record, value_key

BESIDE = [bytes(4) + number.to_bytes(28, "big") for number in range(20)]
ANYWHERE = [value_key(f"key {number}") for number in range(20)]
CONFIG = DhtConfig()


def record(node, key: bytes, value: bytes = b"v", sequence: int = 1) -> Record:
    return Record.create(node.identity, key, value, sequence=sequence, ttl_s=3600)


def get_many(network, node, keys: list[bytes]) -> dict:
    results: dict = {}
    node.dht.get_many(keys, network.now, results.update)
    node.pump()
    network.run_until(lambda: bool(results))
    return results


def far(network):
    """Return the node farthest from what lies beside each other; it knows none of the holders."""
    return max(network.nodes, key=lambda node: node.node_id.distance(BESIDE[0]))


def knowing(network):
    """Return it when it knows everybody."""
    reader = far(network)
    for node in network.nodes:
        reader.dht.verified(node.contact, network.now)
    return reader


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=11)
    network.join(30, replace(CONFIG, greeted_max=0))
    network.run(3.0)
    for key in (*BESIDE, *ANYWHERE):
        network.put(network.nodes[3], record(network.nodes[3], key))
    network.run(1.0)
    return network


@pytest.fixture
def asked(monkeypatch) -> list:
    """Return a list that grows by each request from now on."""
    asked: list = []
    ask = Rpc.ask

    def noting(self, contact, message, waiter, now):
        asked.append(message)
        return ask(self, contact, message, waiter, now)

    monkeypatch.setattr(Rpc, "ask", noting)
    return asked


@pytest.mark.parametrize("keys", [BESIDE, ANYWHERE, [*BESIDE, *ANYWHERE], BESIDE[:1]])
def test_all_are_found_in_the_order_of_the_keys(network, keys) -> None:
    reader = knowing(network)
    results = get_many(network, reader, keys)
    assert list(results) == keys
    for key, result in results.items():
        assert [each.key for each in result.records] == [key]
        assert [found.record for found in result.found] == result.records


def test_keys_that_share_holders_are_asked_for_together(network, asked) -> None:
    reader = knowing(network)
    get_many(network, reader, BESIDE)
    assert Counter(type(each) for each in asked) == {FindMany: 4}
    assert sorted(key for each in asked for key in each.keys) == sorted(BESIDE)


def test_keys_whose_holders_are_not_known_follow_the_first_of_them(network, asked) -> None:
    results = get_many(network, far(network), BESIDE)
    assert all(result.records for result in results.values())
    assert Counter(type(each) for each in asked)[FindMany] == 4
    assert {each.key for each in asked if isinstance(each, FindValue)} == {BESIDE[0]}


def test_one_after_another_when_the_first_of_them_is_not_there(network) -> None:
    missing = bytes(31) + b"\xff"
    network.put(network.nodes[3], record(network.nodes[3], BESIDE[0], b"", sequence=2))
    network.run(1.0)
    results = get_many(network, far(network), [*BESIDE[:3], missing])
    assert [len(result.records) for result in results.values()] == [0, 1, 1, 0]


def test_what_does_not_fit_is_got_alone(network, asked) -> None:
    author = network.nodes[3]
    keys = BESIDE[:5]
    for key in keys:
        network.put(author, record(author, key, bytes(700), sequence=2))
    network.run(1.0)
    del asked[:]
    results = get_many(network, knowing(network), keys)
    assert [len(result.records[0].value) for result in results.values()] == [700] * 5
    assert {each.key for each in asked if isinstance(each, FindValue)} == set(keys[1:])


def test_what_nobody_has_is_an_empty_result(network) -> None:
    missing = bytes(4) + (99).to_bytes(28, "big")
    results = get_many(network, knowing(network), [BESIDE[0], missing])
    assert [len(result.records) for result in results.values()] == [1, 0]


def test_what_was_taken_back_is_an_empty_result(network) -> None:
    network.put(network.nodes[3], record(network.nodes[3], BESIDE[1], b"", sequence=2))
    network.run(1.0)
    results = get_many(network, knowing(network), BESIDE[:2])
    assert [len(result.records) for result in results.values()] == [1, 0]


def test_the_dead_hold_nothing_back(network) -> None:
    for node in sorted(network.nodes, key=lambda node: node.node_id.distance(BESIDE[0]))[:3]:
        node.alive = False
    results = get_many(network, knowing(network), BESIDE)
    assert all(result.records for result in results.values())


def test_a_forged_record_is_as_good_as_none(network) -> None:
    author = network.nodes[3]
    forged = bytearray(record(author, BESIDE[0], b"false", sequence=9).encode())
    forged[-1] ^= 1
    other = record(author, ANYWHERE[0]).encode()
    for node in network.nodes:
        honest = node.dht.server

        class Forger:
            def __init__(self, honest) -> None:
                self.honest = honest

            def reply(self, request_id, request, sender, now, size_max):
                if isinstance(request, FindMany):
                    records = [(0, bytes(forged)), (0, other), (0, b"rubbish")]
                    return encode_reply(request_id, ValuesMany(bytes(8), records))
                return self.honest.reply(request_id, request, sender, now, size_max)

        node.dht.server = Forger(honest)
    results = get_many(network, knowing(network), BESIDE[:3])
    assert [result.records[0].value for result in results.values()] == [b"v"] * 3


def test_equal_gets_are_one(network, asked) -> None:
    reader = knowing(network)
    alone: list = []
    reader.dht.get(BESIDE[0], network.now, alone.append)
    results: dict = {}
    reader.dht.get_many([BESIDE[0], *BESIDE], network.now, results.update)
    reader.dht.get(BESIDE[5], network.now, alone.append)
    reader.pump()
    network.run_until(lambda: bool(results))
    assert len(alone) == 2
    assert sum(isinstance(each, FindValue) for each in asked) == 1
    assert sorted(key for each in asked if isinstance(each, FindMany) for key in each.keys) == sorted(
        BESIDE[1:]
    )


def test_own_records_cost_no_request(virtual_network) -> None:
    network = virtual_network(seed=1)
    (node,) = network.add(1)
    for key in BESIDE[:2]:
        network.put(node, record(node, key))
    results: dict = {}
    node.dht.get_many(BESIDE[:2], network.now, results.update)
    assert all(result.records for result in results.values())
    assert not node.dht.has_requests


def test_how_many_are_sought_together_is_bounded(virtual_network) -> None:
    network = virtual_network(seed=11)
    network.join(30, replace(CONFIG, get_many_max=10))
    network.run(1.0)
    node = network.nodes[0]
    with pytest.raises(ConfigError):
        node.dht.get_many([], network.now, print)
    with pytest.raises(QueueFull):
        node.dht.get_many(BESIDE[:11], network.now, print)
    results: list = []
    node.dht.get_many(BESIDE[:6], network.now, results.append)
    with pytest.raises(QueueFull):
        node.dht.get_many(BESIDE[6:11], network.now, results.append)
    node.pump()
    network.run_until(lambda: bool(results))
    node.dht.get_many(BESIDE[:10], network.now, results.append)


def test_an_answer_is_never_longer_than_its_room(network) -> None:
    holder = min(network.nodes, key=lambda node: node.node_id.distance(BESIDE[0]))
    for room in (60, 300, 700, 1150):
        payload = encode_request(1, FindMany(BESIDE))
        data = holder.dht.receive(payload, network.nodes[3].contact, network.now, room)
        assert data is not None
        assert len(data) <= room
        _, reply = decode(data)
        assert isinstance(reply, ValuesMany)
        one = len(record(network.nodes[3], BESIDE[0]).encode()) + 9
        assert len(reply.records) == (room - 32) // one
