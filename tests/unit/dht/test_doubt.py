"""Lookups among colluders who name only each other: they ask more, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from mesh99.dht.config import DhtConfig
from mesh99.dht.doubt import missing
from mesh99.dht.lookup import Lookup
from mesh99.dht.messages import FindNode, Nodes, encode_within
from mesh99.wire.identity import NodeId

OWN = NodeId(b"\xff" * 32)
WANT = 6


class Colluder:
    """Answers as the honest server does, but names the nearest of its group only."""

    def __init__(self, honest, group, most: int) -> None:
        self._honest, self._group, self._most = honest, group, most

    def reply(self, request_id, request, sender, now, size_max):
        if not isinstance(request, FindNode):
            return self._honest.reply(request_id, request, sender, now, size_max)
        ranked = sorted(self._group, key=lambda contact: contact.node_id.distance(request.target))
        return encode_within(request_id, Nodes(bytes(8), ranked[: self._most]), size_max)


def finished(make_contact, answers: dict[int, Sequence[int]], seeds: Sequence[int]) -> Lookup:
    """Return a lookup of 0 for three nodes in which some have answered."""
    known = [make_contact(number) for number in seeds]
    settings = {"count": 3, "parallelism": 3, "parallelism_wide": 3, "requests_max": 99, "radius": 99}
    lookup = Lookup(0, known, OWN, **settings)
    while (candidate := lookup.next()) is not None:
        named = answers.get(candidate.contact.number)
        if named is None:
            lookup.failed(candidate)
        else:
            lookup.answered(candidate, [make_contact(number) for number in named])
    return lookup


def test_answers_that_agree_are_not_doubted(make_contact) -> None:
    everybody = range(1, 8)
    answers = {number: [each for each in everybody if each != number][:WANT] for number in everybody}
    lookup = finished(make_contact, answers, everybody)
    assert missing(lookup, 3, WANT) == 0


def test_neighbours_not_met_yet_are_no_sign(make_contact) -> None:
    lookup = finished(
        make_contact, {1: [2, 3, 6, 7, 8, 9], 2: [1, 3, 4, 5, 6, 7], 3: [1, 2, 4, 5, 6, 7]}, [1, 2, 3]
    )
    assert missing(lookup, 3, WANT) == 0, "1 left out two of the nearest"


@pytest.mark.parametrize("named", [[2, 3, 20, 21, 22, 23], [2], [2, 3], []])
def test_who_leaves_out_most_is_doubted_however_few_he_names(make_contact, named) -> None:
    honest = [1, 2, 3, 4, 5, 6, 7]
    answers = {1: named, 2: [1, *honest[2:]], 3: [1, 2, *honest[3:]]}
    lookup = finished(make_contact, answers, honest)
    assert missing(lookup, 3, WANT) == 1
    assert missing(lookup, 2, WANT) == 0, "two agree"


def test_the_dead_that_others_name_are_not_left_out(make_contact) -> None:
    lookup = finished(
        make_contact, {1: [5, 6, 7, 8], 5: [1, 6, 7, 8], 6: [1, 5, 7, 8]}, [1, 2, 3, 4, 5, 6, 7, 8]
    )
    assert missing(lookup, 3, 4) == 0, "2, 3 and 4 did not answer"


def _with_colluders(virtual_network, most: int, **config: int):
    """Return a network with colluders, a target next to which the three nearest are some, and all honest nodes."""
    network = virtual_network(seed=5)
    network.join(90, DhtConfig(**config))
    network.run(3.0)
    target = Random(1).randbytes(32)
    ranked = sorted(network.nodes, key=lambda node: node.node_id.distance(target))
    colluders = [*ranked[:3], *ranked[5::5]]
    group = [node.contact for node in colluders]
    for node in colluders:
        node.dht.server = Colluder(node.dht.server, group, most)
    return network, target, [node for node in ranked if node not in colluders]


def _look_up(network, node, target: bytes, count: int = 3):
    results = []
    node.dht.find_node(target, network.now, results.append, count=count)
    node.pump()
    network.run_until(lambda: bool(results))
    return results[0]


@pytest.mark.parametrize("most", [20, WANT, 1])
def test_the_nearest_honest_node_is_found_beyond_colluders(virtual_network, most) -> None:
    network, target, (nearest, *others) = _with_colluders(virtual_network, most)
    for asker in others[::6]:
        result = _look_up(network, asker, target)
        assert nearest.contact in result.contacts
        assert 3 < len(result.contacts) <= 9
        assert result.contacts == sorted(result.contacts, key=lambda each: each.node_id.distance(target))


def test_a_lookup_that_believes_the_nearest_is_caught_by_them(virtual_network) -> None:
    network, target, (nearest, *others) = _with_colluders(virtual_network, 20, wide_times_max=1)
    assert not any(nearest.contact in _look_up(network, asker, target).contacts for asker in others[::6])


def test_an_undisturbed_lookup_asks_nobody_more(virtual_network) -> None:
    asked = []
    for times in (1, 3):
        network = virtual_network(seed=5)
        network.join(90, DhtConfig(wide_times_max=times))
        network.run(3.0)
        random = Random(2)
        results = [_look_up(network, node, random.randbytes(32)) for node in network.nodes[:40]]
        assert all(len(result.contacts) == 3 for result in results)
        asked.append(sum(len(result.hops) for result in results))
    assert asked[0] == asked[1]
