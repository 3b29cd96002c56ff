"""Partitions: what passes, what is held back, several at once."""

from __future__ import annotations

import pytest
from network_world import NetworkWorld

from mesh99.simulations.network import partitions
from mesh99.simulations.network.partitions import Kind, Partitions, Passage
from mesh99.simulations.world import World

OPEN, CUT, HELD = Passage

NEAR, FAR = 1, 2


@pytest.mark.parametrize(
    ("kind", "near_to_far", "far_to_near", "far_to_far"),
    [("symmetric", CUT, CUT, OPEN), ("one-way", OPEN, CUT, OPEN), ("clog", HELD, HELD, HELD)],
)
def test_what_passes(kind: Kind, near_to_far: Passage, far_to_near: Passage, far_to_far: Passage) -> None:
    cut = Partitions(World(1))
    handle = cut.begin(kind, [FAR, 3])
    assert cut.passage(NEAR, FAR) is near_to_far
    assert cut.passage(FAR, NEAR) is far_to_near
    assert cut.passage(FAR, 3) is far_to_far
    assert cut.passage(NEAR, 9) is OPEN
    assert cut.active
    cut.end(handle)
    assert [cut.passage(*ends) for ends in ((NEAR, FAR), (FAR, NEAR), (FAR, 3))] == [OPEN] * 3
    assert not cut.active


def test_several_at_once_add_up() -> None:
    cut = Partitions(World(1))
    first, second = cut.begin("symmetric", [1, 2]), cut.begin("symmetric", [2, 3])
    passing = {(a, b) for a in (1, 2, 3, 4) for b in (1, 2, 3, 4) if cut.passage(a, b) is OPEN}
    assert passing == {(each, each) for each in (1, 2, 3, 4)}
    cut.end(first)
    assert cut.passage(1, 4) is OPEN
    assert cut.passage(2, 3) is OPEN
    assert cut.passage(1, 2) is CUT
    third = cut.begin("one-way", [4])
    cut.end(second)
    cut.end(second)
    assert (cut.passage(4, 1), cut.passage(1, 4), cut.passage(1, 2)) == (CUT, OPEN, OPEN)
    cut.end(third)
    assert not cut.active


def test_a_cut_loses_packets_and_those_under_way_arrive() -> None:
    hosts = NetworkWorld()
    a, b = hosts.peers(2)
    a.send(b"under way", b)
    handle = hosts.network.partitions.begin("symmetric", [2])
    a.send(b"cut", b)
    hosts.run(1.0)
    hosts.network.partitions.end(handle)
    a.send(b"after", b)
    hosts.run(1.0)
    assert b.packets == [b"under way", b"after"]
    assert hosts.network.lost == {"partition": 1}


def test_what_was_clogged_comes_all_at_once_in_its_order() -> None:
    hosts = NetworkWorld()
    a, b, c = hosts.peers(3)
    first, second = (hosts.network.partitions.begin("clog", [index]) for index in (2, 3))
    for number in range(5):
        a.send(bytes([number]), b)
        b.send(bytes([number]), c)
        hosts.run(0.1)
    assert (b.received, c.received) == ([], [])
    hosts.network.partitions.end(first)
    assert [(time, packet) for time, packet, _ in b.received] == [(0.5, bytes([n])) for n in range(5)]
    assert c.received == []
    hosts.run(1.0)
    hosts.network.partitions.end(second)
    assert c.packets == [bytes([n]) for n in range(5)]
    assert hosts.network.lost == {}


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "HELD_MAX", 3)
    hosts = NetworkWorld()
    a, b = hosts.peers(2)
    handle = hosts.network.partitions.begin("clog", [2])
    for number in range(5):
        a.send(bytes([number]), b)
    hosts.network.partitions.end(handle)
    assert b.packets == [b"\0", b"\1", b"\2"]
    assert hosts.network.lost == {"clog": 2}


def test_swizzle_clog_stops_and_frees_nodes_in_different_orders() -> None:
    hosts = NetworkWorld()
    far = list(range(1, 9))
    hosts.network.partitions.swizzle_clog(far, 90.0)
    changes: list[tuple[int, bool, float]] = []
    clogged: set[int] = set()
    for _ in range(900):
        hosts.run(0.1)
        for node in far:
            held = hosts.network.partitions.passage(node, 99) is HELD
            if held != (node in clogged):
                changes.append((node, held, hosts.world.now()))
                clogged ^= {node}
    stopped = [node for node, held, _ in changes if held]
    freed = [node for node, held, _ in changes if not held]
    assert sorted(stopped) == sorted(freed) == far
    assert stopped != far
    assert freed not in (far, stopped)
    assert max(time for _, held, time in changes if held) <= 30.1
    assert min(time for _, held, time in changes if not held) >= 59.9
    hosts.run(1.0)
    assert not hosts.network.partitions.active
