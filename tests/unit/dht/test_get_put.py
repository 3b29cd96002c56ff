"""Getting and putting in small networks, all datagrams through their bytes."""

from __future__ import annotations

from collections import Counter

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.messages import FindNode, FindValue, Nodes, Request, Store, Values, encode_reply
from mesh99.dht.reading import decode
from mesh99.dht.rpc import Rpc
from mesh99.wire.errors import ConfigError, QueueFull
from mesh99.wire.identity import NodeId
from mesh99.wire.record import Record, capability_key, node_key, value_key

KEY = value_key("colour")


def record(node, value: bytes = b"blue", sequence: int = 1, key: bytes = KEY, ttl_s: int = 3600) -> Record:
    return Record.create(node.identity, key, value, sequence=sequence, ttl_s=ttl_s)


def holders(network) -> list:
    return [node for node in network.nodes if node.dht.store.get(KEY, network.now)]


def nearest(network, key: bytes) -> list:
    return sorted(network.nodes, key=lambda node: node.node_id.distance(key))


@pytest.fixture
def network(virtual_network):
    network = virtual_network(seed=11)
    network.join(30)
    network.run(3.0)
    return network


@pytest.fixture
def asked(monkeypatch) -> list[tuple[NodeId, Request]]:
    """Return a list that grows by each request from now on: of whom, and what."""
    asked: list[tuple[NodeId, Request]] = []
    ask = Rpc.ask

    def noting(self, contact, message, waiter, now):
        asked.append((contact.node_id, message))
        return ask(self, contact, message, waiter, now)

    monkeypatch.setattr(Rpc, "ask", noting)
    return asked


def test_a_lonely_node_stores_here_and_finds_here(virtual_network) -> None:
    network = virtual_network(seed=1)
    (node,) = network.add(1)
    assert network.put(node, record(node)).stored_on == [node.node_id]
    result = network.get(node, KEY)
    assert [each.value for each in result.records] == [b"blue"]
    assert (result.source, result.hops, result.trace) == (None, 0, [])


def test_nothing_is_found_where_nothing_is(network) -> None:
    result = network.get(network.nodes[3], KEY)
    assert result.records == []
    assert result.source is None
    assert len(result.trace) >= 20


def test_a_record_goes_to_the_nearest_nodes(network) -> None:
    result = network.put(network.nodes[3], record(network.nodes[3]))
    assert len(result.stored_on) == 5, "done at the quorum"
    network.run(1.0)
    expected = nearest(network, KEY)[:8]
    assert {node.node_id for node in holders(network)} >= {node.node_id for node in expected}
    assert len(holders(network)) <= 9


def test_get_tells_where_from(network) -> None:
    network.put(network.nodes[3], record(network.nodes[3]))
    reader = next(node for node in network.nodes if node not in holders(network))
    result = network.get(reader, KEY)
    assert [each.value for each in result.records] == [b"blue"]
    assert result.hops == 1
    assert result.source in [node.contact for node in holders(network)]
    assert result.trace[0].depth == 1
    assert "answered" in [hop.outcome for hop in result.trace]


def test_get_ends_at_the_first_answer_and_never_waits_for_the_dead(network) -> None:
    network.put(network.nodes[3], record(network.nodes[3]))
    network.run(1.0)
    reader = next(node for node in network.nodes if node not in holders(network))
    network.get(reader, KEY)
    for node in nearest(network, KEY)[:2]:
        node.alive = False
    began = network.now
    assert network.get(reader, KEY).records
    assert network.now - began < 0.003


def test_a_get_goes_on_when_all_it_began_with_are_dead(network) -> None:
    author = network.nodes[3]
    network.put(author, record(author))
    network.run(1.0)
    reader = next(node for node in network.nodes if node not in holders(network))
    holder = holders(network)[-1]
    for node in nearest(network, KEY)[:12]:
        node.alive = node in (holder, reader)
    far = nearest(network, KEY)[20]
    (held,) = holder.dht.store.get(KEY, network.now)
    far.dht.store.put(held.record, network.now)
    holder.alive = False
    assert network.get(reader, KEY).records


def test_newer_sequences_win_and_older_ones_learn_theirs(network) -> None:
    author = network.nodes[3]
    network.put(author, record(author, b"old", sequence=1))
    network.put(author, record(author, b"new", sequence=2))
    network.run(1.0)
    assert [r.value for r in network.get(network.nodes[9], KEY).records] == [b"new"]
    late = network.put(author, record(author, b"late", sequence=1))
    assert late.stored_on == []
    assert late.newest_sequence == 2


def test_one_owner_can_be_asked_for(network) -> None:
    author, squatter = network.nodes[3], network.nodes[4]
    key = node_key(author.node_id)
    network.put(squatter, record(squatter, b"false", key=key))
    network.put(author, record(author, b"true", key=key))
    network.run(1.0)
    reader = network.nodes[9]
    (found,) = network.get(reader, key, owner=author.identity.public_key).records
    assert found.value == b"true"
    assert network.get(reader, key, owner=network.nodes[5].identity.public_key).records == []


def test_a_tombstone_ends_the_life_of_a_value(network) -> None:
    author = network.nodes[3]
    network.put(author, record(author))
    network.put(author, record(author, b"", sequence=2))
    network.run(1.0)
    assert network.get(network.nodes[9], KEY).records == []
    assert network.get(network.nodes[9], KEY, owner=author.identity.public_key).records == []


def test_a_tombstone_of_one_owner_hides_no_other(network) -> None:
    first, second = network.nodes[3], network.nodes[4]
    network.put(second, record(second, b"red"))
    network.put(first, record(first, b""))
    network.run(1.0)
    assert [r.value for r in network.get(network.nodes[9], KEY).records] == [b"red"]


def test_all_providers_of_a_capability_are_collected_page_by_page(network) -> None:
    key = capability_key("summarize")
    for node in network.nodes[:15]:
        network.put(node, record(node, bytes(300), key=key))
    network.run(1.0)
    result = network.get(network.nodes[20], key, want=50)
    assert {r.owner for r in result.records} == {node.identity.public_key for node in network.nodes[:15]}
    assert len(network.get(network.nodes[20], key, want=4).records) >= 4


def test_forged_records_are_not_believed(network) -> None:
    author, liar_count = network.nodes[3], 3
    network.put(author, record(author))
    network.run(1.0)
    reader = next(node for node in network.nodes if node not in holders(network))
    forged = bytearray(record(author, b"forged", sequence=9).encode())
    forged[-1] ^= 1
    for liar in nearest(network, KEY)[:liar_count]:
        original = liar.dht.receive

        def lie(payload, sender, now, size=1150, original=original):
            request_id, message = decode(payload)
            if isinstance(message, FindValue):
                return encode_reply(request_id, Values(bytes(8), 1, [(0, bytes(forged))], []))
            return original(payload, sender, now, size)

        liar.dht.receive = lie
    assert [r.value for r in network.get(reader, KEY).records] == [b"blue"]


def test_a_liar_with_endless_pages_does_not_hold_a_get(network) -> None:
    reader = network.nodes[9]
    liar = next(node for node in nearest(network, KEY) if node is not reader)
    original = liar.dht.receive

    def lie(payload, sender, now, size=1150):
        request_id, message = decode(payload)
        if isinstance(message, FindValue):
            return encode_reply(request_id, Values(bytes(8), 2**32 - 1, [], []))
        return original(payload, sender, now, size)

    liar.dht.receive = lie
    began = network.now
    assert network.get(reader, KEY, want=100).records == []
    assert network.now - began < 0.1


def test_nearer_peers_that_lack_a_record_get_it_from_its_readers(network) -> None:
    author = network.nodes[3]
    network.put(author, record(author))
    network.run(1.0)
    lost = nearest(network, KEY)[0]
    (held,) = lost.dht.store.get(KEY, network.now)
    lost.dht.store._remove(held)
    for node in network.nodes:
        if node not in holders(network):
            network.get(node, KEY, want=2)
            network.run(0.1)
    (repaired,) = lost.dht.store.get(KEY, network.now)
    assert repaired.expires_at <= held.expires_at, "a copy lives no longer than its original"


def test_put_goes_on_to_the_next_when_a_peer_refuses(network) -> None:
    refusing = nearest(network, KEY)[:3]
    for node in refusing:
        node.dht.store._config = DhtConfig(records_max=1, record_bytes_max=1)
    author = nearest(network, KEY)[20]
    network.put(author, record(author))
    network.run(1.0)
    assert len(holders(network)) == 8
    assert not [node for node in holders(network) if node in refusing]


def test_put_finds_other_places_for_those_of_dead_peers(network) -> None:
    dead = nearest(network, KEY)[:4]
    for node in dead:
        node.alive = False
    author = nearest(network, KEY)[20]
    assert len(network.put(author, record(author)).stored_on) == 5
    network.run(5.0)
    alive = [node for node in holders(network) if node.alive]
    assert len(alive) == 8


def test_stores_survive_loss(network) -> None:
    author = network.nodes[3]
    dropped: list[int] = []

    def drop_first_store(source, to, payload: bytes) -> bool:
        if payload and source is author and isinstance(decode(payload)[1], Store) and len(dropped) < 6:
            dropped.append(1)
            return True
        return False

    network.drop = drop_first_store
    assert len(network.put(author, record(author)).stored_on) >= 5
    assert len(dropped) == 6


def test_want_is_bounded(network) -> None:
    with pytest.raises(ConfigError):
        network.nodes[0].dht.get(KEY, network.now, print, want=0)
    with pytest.raises(ConfigError):
        network.nodes[0].dht.get(KEY, network.now, print, want=257)


def test_lookups_take_turns_and_their_line_is_bounded(virtual_network) -> None:
    network = virtual_network(seed=5)
    network.join(25, DhtConfig(lookups_max=2, lookups_waiting_max=8))
    network.run(3.0)
    node = network.nodes[4]
    results: list = []
    for number in range(10):
        node.dht.get(bytes([number]) * 32, network.now, results.append)
    assert node.dht.turns.running == 2
    with pytest.raises(QueueFull):
        node.dht.get(KEY, network.now, results.append)
    node.pump()
    network.run_until(lambda: len(results) == 10)


def test_answers_of_the_wrong_kind_dismiss_their_sender(network) -> None:
    reader = network.nodes[9]
    liar = next(node for node in nearest(network, KEY) if node is not reader)
    original = liar.dht.receive

    def lie(payload, sender, now, size=1150):
        request_id, message = decode(payload)
        if isinstance(message, FindValue):
            return encode_reply(request_id, Nodes(bytes(8), []))
        return original(payload, sender, now, size)

    liar.dht.receive = lie
    network.get(reader, KEY)
    assert reader.dht.dropped["unexpected"] >= 1


def test_find_node_is_exact(network) -> None:
    for number in range(10):
        target = bytes([25 * number]) * 32
        finder = network.nodes[number]
        result = network.find_node(finder, target)
        others = [node.contact for node in nearest(network, target) if node is not finder]
        assert result.contacts == others[:20]
        assert result.depth >= 1
        assert len({hop.contact.node_id for hop in result.hops}) == len(result.hops)


def test_a_second_put_under_a_key_needs_no_round_trip_for_tokens(network, asked) -> None:
    node = network.nodes[3]
    network.put(node, record(node))
    network.run(1.0)
    asked.clear()
    result = network.put(node, record(node, b"red", sequence=2))
    network.run(0.5)
    assert len(result.stored_on) >= 5
    kinds = Counter(type(message) for _, message in asked)
    assert kinds[Store] >= 8
    assert kinds[FindNode] <= 3, "only at the edge of the radius in which the replicas are expected"
    assert {each.node_id for each in nearest(network, KEY)[:8]} <= {each.node_id for each in holders(network)}


def test_a_put_with_tokens_that_are_too_old_gets_new_ones(network) -> None:
    node = network.nodes[3]
    network.put(node, record(node))
    network.run(1.0)
    known = node.dht._context.tokens
    for other in network.nodes:
        if known.fresh(other.node_id, network.now):
            known.note(other.node_id, bytes(8), network.now)
    result = network.put(node, record(node, b"red", sequence=2))
    network.run(0.5)
    assert len(result.stored_on) >= 5
    owner = node.identity.public_key
    assert [each.dht.store.find(KEY, owner).record.sequence for each in nearest(network, KEY)[:8]] == [2] * 8


def test_one_quick_holder_is_asked_and_another_when_it_is_silent(network, asked) -> None:
    author = network.nodes[3]
    network.put(author, record(author))
    network.run(1.0)
    asked.clear()
    reader = next(
        node for node in network.nodes if node not in holders(network) and len(node.dht.table) >= 20
    )
    result = network.get(reader, KEY)
    assert result.records
    assert len(asked) == 1, "whoever is near enough is likely to hold it"
    expected = reader.dht._context.rpc.timing.expected_rtt_s
    assert expected(asked[0][0]) <= min(expected(node.node_id) for node in holders(network)) * 1.5

    quick = sorted(holders(network), key=lambda node: expected(node.node_id))[:4]
    for node in quick:
        node.alive = False
    began = network.now
    asked.clear()
    assert network.get(reader, KEY).records
    assert asked[0][0] in {node.node_id for node in quick}
    assert network.now - began < 0.5, "less than a time-out and two tries"


def test_equal_gets_at_the_same_time_are_one(network, asked) -> None:
    author = network.nodes[3]
    network.put(author, record(author))
    network.run(1.0)
    asked.clear()
    reader = next(node for node in network.nodes if node not in holders(network))
    results: list = []
    for _ in range(50):
        reader.dht.get(KEY, network.now, results.append)
    reader.dht.get(KEY, network.now, results.append, want=2)
    reader.pump()
    network.run_until(lambda: len(results) == 51)
    assert all(result.records for result in results)
    assert len(asked) <= 1 + 20, "one for fifty, and one that wanted more and asked everybody"
    reader.dht.get(KEY, network.now, results.append)
    assert reader.dht.has_requests, "what is over is not waited for"


def test_a_get_that_finds_no_room_is_not_waited_for(virtual_network) -> None:
    network = virtual_network(seed=63)
    (node, other) = network.add(2, DhtConfig(lookups_max=1, lookups_waiting_max=1))
    node.dht.verified(other.contact, 0.0)
    told: list = []
    for key in (bytes(32), b"\x01" * 32):
        node.dht.get(key, 0.0, told.append)
    for _ in range(2):
        with pytest.raises(QueueFull):
            node.dht.get(b"\x02" * 32, 0.0, told.append)
    with pytest.raises(QueueFull):
        node.dht.get(bytes(32), 0.0, told.append)  # too many wait for the same one
