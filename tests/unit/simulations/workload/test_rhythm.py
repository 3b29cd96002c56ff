"""When nodes act, and which."""

from __future__ import annotations

from mesh99.simulations.workload.rhythm import Rhythm
from mesh99.simulations.world import World


class Node:
    """One that may act."""

    def __init__(self, joined: bool = True) -> None:
        self.joined = joined
        self.acted_s: list[float] = []


class Nodes:
    """Those that are up."""

    def __init__(self, *nodes: Node) -> None:
        self.honest_live = list(nodes)


def _acted(nodes: Nodes, interval_s: float | None, from_s: float = 100.0, until_s: float = 1100.0) -> None:
    world = World(3)
    Rhythm(world, nodes, "tests", interval_s, lambda node: node.acted_s.append(world.now())).run(
        from_s, until_s
    )
    world.run_until(2000.0)


def test_each_acts_about_as_often_as_asked_between_the_two_times() -> None:
    nodes = Nodes(*(Node() for _ in range(20)))
    _acted(nodes, 10.0)
    counts = [len(node.acted_s) for node in nodes.honest_live]
    assert 1800 < sum(counts) < 2200
    assert all(60 < count < 140 for count in counts)
    assert all(100.0 <= at_s < 1100.0 for node in nodes.honest_live for at_s in node.acted_s)


def test_who_is_still_joining_does_not_act_and_without_an_interval_nobody_does() -> None:
    joining, joined = Node(joined=False), Node()
    _acted(Nodes(joining, joined), 10.0)
    assert not joining.acted_s
    assert 60 < len(joined.acted_s) < 140
    nobody = Nodes(Node())
    _acted(nobody, None)
    assert not nobody.honest_live[0].acted_s
    _acted(Nodes(), 10.0)
