"""Content: immutable records, whose key is the hash of their value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh99.dht import DhtConfig, Outcome
from mesh99.dht.messages import Values, encode_reply
from mesh99.dht.store import RecordStore
from mesh99.wire.crypto import REAL
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import CONTENT_OWNER, Record, content_key

KEY = content_key(b"blue")
BLUE = Record.of_content(b"blue", ttl_s=100)
RED = replace(Record.of_content(b"red", ttl_s=1000), key=KEY)
OWNERS = [Identity(bytes([number]) * 32) for number in (1, 2, 3)]


def store(**limits: int) -> RecordStore:
    return RecordStore(NodeId(bytes(32)), DhtConfig(**limits), REAL)


def signed(owner: Identity, value: bytes = b"red") -> Record:
    return Record.create(owner, KEY, value, sequence=9, ttl_s=100)


def test_content_of_another_key_is_refused_before_and_after() -> None:
    records = store()
    assert records.put(RED, 0.0) is Outcome.WRONG_CONTENT
    assert records.put(BLUE, 0.0) is Outcome.STORED
    assert records.put(RED, 0.0) is Outcome.WRONG_CONTENT, "with a later end"
    assert records.put(replace(RED, ttl_s=50), 0.0) is Outcome.WRONG_CONTENT, "with an earlier end"
    assert [held.record for held in records] == [BLUE]


@pytest.mark.parametrize("change", [{"sequence": 2}, {"value": b""}, {"signature": b"\x01" * 64}])
def test_content_has_one_form(change: dict[str, object]) -> None:
    assert store().put(replace(BLUE, **change), 0.0) is Outcome.WRONG_CONTENT


def test_there_is_one_entry_however_many_publish_it_and_it_lives_to_the_latest_end() -> None:
    records = store()
    assert records.put(BLUE, 0.0) is Outcome.STORED
    assert records.put(BLUE, 50.0, age_s=60) is Outcome.STORED
    assert [held.expires_at for held in records] == [100.0], "an older copy prolongs nothing"
    assert records.put(replace(BLUE, ttl_s=20), 60.0) is Outcome.STORED
    assert [held.expires_at for held in records] == [100.0]
    assert records.put(BLUE, 60.0) is Outcome.STORED
    assert [held.expires_at for held in records] == [160.0]
    assert records.get(KEY, 159.9, CONTENT_OWNER)
    assert not records.get(KEY, 160.0, CONTENT_OWNER)


def test_nobody_keeps_content_from_its_key_and_it_has_no_quota() -> None:
    records = store(records_per_key_max=2, records_per_owner_max=1)
    assert [records.put(signed(owner), 0.0) for owner in OWNERS[:2]] == [Outcome.STORED] * 2
    assert records.put(signed(OWNERS[2]), 0.0) is Outcome.KEY_FULL
    assert records.put(BLUE, 0.0) is Outcome.STORED
    assert records.put(Record.of_content(b"green", ttl_s=100), 0.0) is Outcome.STORED
    assert [held.record for held in records.get(KEY, 0.0, CONTENT_OWNER)] == [BLUE]


def test_content_makes_room_by_distance_only() -> None:
    contents = sorted((Record.of_content(bytes([n]), ttl_s=100) for n in range(4)), key=lambda each: each.key)
    records = store(records_max=2)
    outcomes = [records.put(contents[place], 0.0) for place in (1, 2, 3, 0)]
    assert outcomes == [Outcome.STORED, Outcome.STORED, Outcome.STORE_FULL, Outcome.STORED]
    assert {held.record for held in records} == {contents[0], contents[1]}


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=22)
    network.join(20)
    network.run(3.0)
    return network


def test_what_two_publish_is_one_and_is_read_by_its_key(network) -> None:
    first, second, reader = network.nodes[3], network.nodes[9], network.nodes[15]
    network.put(first, BLUE)
    network.run(2.0)
    assert len(network.put(second, BLUE).stored_on) >= DhtConfig().store_quorum
    network.put(second, signed(second.identity))
    network.run(2.0)
    holders = [len(node.dht.store.get(KEY, network.now, CONTENT_OWNER)) for node in network.nodes]
    assert sorted(holders)[-8:] == [1] * 8
    result = network.get(reader, KEY, CONTENT_OWNER)
    assert result.records == [BLUE]


def test_a_holder_that_shows_something_else_is_not_believed(network) -> None:
    network.put(network.nodes[3], BLUE)
    network.run(2.0)
    liar = min(network.nodes, key=lambda node: node.node_id.distance(KEY))
    reader = max(network.nodes, key=lambda node: node.node_id.distance(KEY))

    def lie(request_id, request, sender, now, size_max):
        return encode_reply(request_id, Values(bytes(8), 1, [(0, RED.encode())], []))

    liar.dht.server = type("Liar", (), {"reply": staticmethod(lie)})()
    for _ in range(3):
        assert network.get(reader, KEY, CONTENT_OWNER).records == [BLUE]


def test_the_one_who_puts_something_else_is_told(network) -> None:
    far = max(network.nodes, key=lambda node: node.node_id.distance(KEY))
    result = network.put(far, RED)
    assert set(result.stored_on) <= {far.node_id}, "nobody else"
    assert [outcome for outcome, _ in result.refused] == [Outcome.WRONG_CONTENT]


def test_published_content_outlives_its_first_end(network) -> None:
    author, reader = network.nodes[3], network.nodes[15]
    author.dht.publish(lambda sequence: BLUE, network.now)
    author.pump()
    network.run(350.0)
    assert network.get(reader, KEY, CONTENT_OWNER).records == [BLUE]
