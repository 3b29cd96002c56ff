from __future__ import annotations

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.entry import Entry
from mesh99.dht.liveness import GRID_SHARE, patience_s
from mesh99.dht.messages import Ping
from mesh99.dht.reading import decode


def count_pings(network) -> list[float]:
    """Return a list that grows by the time of each ping."""
    pings: list[float] = []

    def watch(source, to, payload: bytes) -> bool:
        if payload and isinstance(decode(payload)[1], Ping):
            pings.append(network.now)
        return False

    network.drop = watch
    return pings


def test_a_node_at_rest_sleeps_for_minutes(virtual_network) -> None:
    network = virtual_network(seed=31)
    network.join(5)
    network.run(5.0)
    for node in network.nodes:
        due = node.dht.next_timeout()
        assert due is not None
        assert due > network.now + 200


def test_only_silent_contacts_are_pinged(virtual_network) -> None:
    network = virtual_network(seed=32)
    network.join(2)
    network.run(2.0)
    pings = count_pings(network)
    for _ in range(20):
        network.find_node(network.nodes[0], bytes(32))
        network.run(60.0)
    assert pings == []
    network.run(3000.0)
    assert 2 <= len(pings) <= 8


@pytest.mark.parametrize(
    ("known_s", "silence_s"), [(0, 300), (500, 300), (1000, 500), (4000, 2000), (99_999, 3600)]
)
def test_a_contact_that_is_up_for_long_is_trusted_for_longer(
    make_contact, known_s: float, silence_s: float
) -> None:
    entry = Entry.of(make_contact(1), 50.0)
    entry.last_seen = 50.0 + known_s
    assert patience_s(entry, DhtConfig()) == silence_s


def test_pings_become_rare(virtual_network) -> None:
    network = virtual_network(seed=39)
    network.join(2)
    network.run(2.0)
    pings = count_pings(network)
    network.run(24 * 3600.0)
    config = DhtConfig()
    assert pings[0] <= (1 + GRID_SHARE) * config.silent_s_min + 2.0
    assert 4 <= len(pings) < 40


def test_who_was_known_before_is_pinged_when_it_would_have_been(virtual_network) -> None:
    network = virtual_network(seed=40)
    one, other = network.add(2)
    network.run(20_000.0)
    pings = count_pings(network)
    began = network.now
    one.dht.remember([(other.contact, began - 10_000.0, began - 3000.0)], began)
    one.pump()
    network.run(700.0)
    assert 600.0 < pings[0] - began <= 600.0 + GRID_SHARE * DhtConfig().silent_s_min


def test_upkeep_is_cheap(virtual_network) -> None:
    network = virtual_network(seed=33)
    network.join(30)
    network.run(600.0)
    before = network.bytes
    network.run(3600.0)
    assert (network.bytes - before) / 3600 / 30 < 200


def test_the_silently_dead_are_evicted(virtual_network) -> None:
    network = virtual_network(seed=34)
    network.join(20)
    network.run(5.0)
    dead = network.nodes[5:9]
    for node in dead:
        node.alive = False
    network.run(900.0)
    for node in network.nodes:
        if node.alive:
            assert not [each for each in dead if each.node_id in node.dht.table]
            assert len(node.dht.table) >= DhtConfig().value_replicas


def test_an_outage_of_our_own_empties_no_table(virtual_network) -> None:
    network = virtual_network(seed=35)
    network.join(20)
    network.run(5.0)
    cut = network.nodes[3]
    known = len(cut.dht.table)
    network.drop = lambda source, to, payload: source is cut or to.node_id == cut.node_id
    for _ in range(10):
        network.find_node(cut, bytes(32))
        network.run(600.0)
    assert len(cut.dht.table) == known
    network.drop = lambda source, to, payload: False
    network.run(700.0)
    assert len(network.find_node(cut, bytes(32)).contacts) == 19


def test_quiet_buckets_are_refreshed(virtual_network) -> None:
    network = virtual_network(seed=36)
    network.join(30, DhtConfig(refresh_s=1000.0))
    network.run(5.0)
    stranger, watcher = network.add(2, DhtConfig(refresh_s=1000.0))
    watcher.dht.verified(stranger.contact, network.now)
    stranger.dht.verified(watcher.contact, network.now)
    watcher.dht.verified(network.nodes[0].contact, network.now)
    for node in (stranger, watcher):
        node.pump()
    assert len(watcher.dht.table) == 2
    network.run(1100.0)
    assert len(watcher.dht.table) > 20


def test_a_broken_session_brings_a_ping_and_a_dead_peer_is_dropped_within_seconds(virtual_network) -> None:
    network = virtual_network(seed=37)
    network.join(10)
    network.run(5.0)
    watcher, alive, dead = network.nodes[4:7]
    dead.alive = False
    for node in (alive, dead):
        watcher.dht.unreachable(node.node_id, network.now)
    watcher.pump()
    network.run(10.0)
    assert dead.node_id not in watcher.dht.table
    assert alive.node_id in watcher.dht.table
    watcher.dht.unreachable(dead.node_id, network.now)
    assert watcher.dht.take_requests() == []


def test_endless_reports_of_a_broken_session_bring_no_endless_pings(virtual_network) -> None:
    network = virtual_network(seed=38)
    network.join(2)
    network.run(5.0)
    pings = count_pings(network)
    watcher, dead = network.nodes
    dead.alive = False
    for _ in range(100):
        watcher.dht.unreachable(dead.node_id, network.now)
        watcher.pump()
        network.run(1.0)
    assert len(pings) <= 15
