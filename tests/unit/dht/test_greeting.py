"""Greetings: who joined a small network meets all of it, in a larger one nobody; one after the other, and once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from mesh99.dht import Dht, DhtConfig
from mesh99.dht.messages import REQUESTS, FindNode, Nodes, Store, encode_reply
from mesh99.dht.reading import decode
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity, NodeId, PublicKey
from mesh99.wire.record import Record, value_key

CONFIG = DhtConfig()
NODES = 40
SETTLED_S = 10.0
ROUND_TRIP_S_MAX = 0.0012  # twice the longest way of a datagram in the virtual network


class Watch:
    """What is asked in a network from now on, and of a node's greetings how many were under way at once at most."""

    def __init__(self, network) -> None:
        self.asked: list[tuple[NodeId, NodeId, object]] = []
        self.under_way_max = 0
        self._under_way: set[tuple[NodeId, int]] = set()
        network.drop = self._note

    def _note(self, source, to, payload: bytes) -> bool:
        if not payload:
            return False
        request_id, message = decode(payload)
        if not isinstance(message, REQUESTS):
            self._under_way.discard((to.node_id, request_id))
            return False
        self.asked.append((source.node_id, to.node_id, message))
        assert len(self.asked) <= 10_000, "it never ends"
        if is_greeting(source.node_id, message) or is_about_a_quarter(message):
            self._under_way.add((source.node_id, request_id))
            of_one = sum(asker == source.node_id for asker, _ in self._under_way)
            self.under_way_max = max(self.under_way_max, of_one)
        return False

    @property
    def greetings(self) -> Counter[NodeId]:
        """By node, how many it greeted."""
        return Counter(source for source, _, message in self.asked if is_greeting(source, message))

    @property
    def questions(self) -> Counter[NodeId]:
        """By node, how often it asked who lives in a quarter."""
        return Counter(source for source, _, message in self.asked if is_about_a_quarter(message))


def is_greeting(source: NodeId, message: object) -> bool:
    return message == FindNode(source, 1)


def is_about_a_quarter(message: object) -> bool:
    # A lookup asks for somewhat more than it seeks.
    return isinstance(message, FindNode) and message.want == CONFIG.bucket_size


def settled(virtual_network, config: DhtConfig = CONFIG, before=lambda network: None):
    """Return a network that has greeted, and what was asked in it."""
    network = virtual_network(seed=61)
    watch = Watch(network)
    network.join(NODES, config)
    before(network)
    network.run(SETTLED_S)
    return network, watch


def strangers(network) -> int:
    """Count the pairs of living nodes of which one has no fresh token of the other."""
    alive = [node for node in network.nodes if node.alive]
    tokens = [(node.dht._context.tokens, other) for node in alive for other in alive if node is not other]
    return sum(not known.fresh(other.node_id, network.now) for known, other in tokens)


def puts(network) -> tuple[int, int]:
    """Let each node put a record; return how many sent nothing but STOREs, and how many took one round trip."""
    stores_only = quick = 0
    for node in network.nodes:
        watch, began = Watch(network), network.now
        key = value_key(f"colour of {node.node_id.hex()}")
        network.put(node, Record.create(node.identity, key, b"blue", sequence=1, ttl_s=3600))
        quick += network.now - began <= ROUND_TRIP_S_MAX
        network.run(0.1)
        stores_only += all(isinstance(message, Store) for _, _, message in watch.asked)
    return stores_only, quick


def test_all_of_a_small_network_have_met_and_a_put_takes_one_round_trip(virtual_network) -> None:
    network, _ = settled(virtual_network)
    # Both witnesses of a quarter may have missed the same one.
    assert strangers(network) <= 0.01 * NODES * NODES
    assert min(puts(network)) >= 0.8 * NODES


def test_0_greets_nobody_and_a_put_asks_for_contacts_first(virtual_network) -> None:
    unable = replace(CONFIG, greeted_max=0)
    assert Lonely(*contacts(1), (), unable).dht.next_timeout() > 10.0, "nor does it wake up for that"
    network, watch = settled(virtual_network, unable)
    assert not watch.questions
    assert not watch.greetings
    assert strangers(network) >= 0.5 * NODES * NODES
    assert max(puts(network)) <= 0.3 * NODES


def test_who_comes_for_a_minute_greets_nobody(virtual_network) -> None:
    network, _ = settled(virtual_network)
    watch = Watch(network)
    network.join(1, replace(CONFIG, ephemeral=True))
    network.run(SETTLED_S)
    assert not watch.questions


def test_of_a_larger_network_witnesses_are_asked_and_nobody_is_greeted(virtual_network) -> None:
    _, watch = settled(virtual_network, replace(CONFIG, greeted_max=20))
    assert len(watch.questions) >= 0.4 * NODES, "the others take it for more than twice as large"
    assert max(watch.questions.values()) == 8
    assert not watch.greetings


def test_of_a_network_that_seems_twice_too_large_nobody_is_asked(virtual_network) -> None:
    _, watch = settled(virtual_network, replace(CONFIG, greeted_max=5))
    assert not watch.questions


def test_one_is_greeted_after_the_other(virtual_network) -> None:
    _, watch = settled(virtual_network)
    assert sum(watch.greetings.values()) > NODES
    assert max(watch.greetings.values()) < NODES - 8, "not those whose token is at hand"
    assert watch.under_way_max == 1


def test_witnesses_that_never_answer_hold_nobody_up(virtual_network) -> None:
    def die(network) -> None:
        for node in network.nodes[::8]:
            node.alive = False

    network, _ = settled(virtual_network, before=die)
    assert strangers(network) <= 0.01 * NODES * NODES


def test_it_happens_once(virtual_network) -> None:
    network, _ = settled(virtual_network)
    watch = Watch(network)
    network.join(1)
    network.run(SETTLED_S)
    newcomer = network.nodes[-1].node_id
    assert set(watch.questions) == set(watch.greetings) == {newcomer}


def test_who_starts_again_with_the_contacts_of_an_earlier_life_greets_too(virtual_network) -> None:
    network, _ = settled(virtual_network)
    watch = Watch(network)
    (node,) = network.add(1)
    node.dht.remember([(other.contact, 0.0, network.now) for other in network.nodes[:10]], network.now)
    node.dht.verified(network.nodes[0].contact, network.now)
    node.pump()
    network.run(SETTLED_S)
    assert watch.greetings[node.node_id]


def contacts(count: int, host: str = "10.0.0.1") -> list[Contact]:
    """Make contacts of nodes that are not there."""
    return [
        Contact(PublicKey(bytes([number]) * 32), Endpoint("udp", host, number))
        for number in range(1, count + 1)
    ]


class Lonely:
    """A node with one contact, who is a witness for everything and names whom it likes."""

    def __init__(self, contact, names, config: DhtConfig = CONFIG, seed: int = 1) -> None:
        self.dht = Dht(Identity(bytes(32)), config, Random(seed), 0.0)
        self.contact = contact
        self.asked: dict[NodeId, None] = {}
        self.questions = 0
        self.looked_at = float("inf")
        self.now = 0.0
        self._names = iter(names)
        self.dht.verified(contact, self.now)

    def run(self, count: int) -> None:
        """Let the witness answer with so many new names each time, and nobody else, for a quarter of an hour."""
        while (due := self.dht.next_timeout()) is not None and due < 900.0:
            self.now = due
            self.dht.handle_timeout(due)
            while requests := self.dht.take_requests():
                for request in requests:
                    self._sent(request, count)

    def _sent(self, request, count: int) -> None:
        request_id, message = decode(request.payload)
        if request.contact != self.contact:
            self.asked[request.contact.node_id] = None
        elif is_about_a_quarter(message):
            self.questions += 1
            self.looked_at = min(self.looked_at, self.now)
            named = [next(self._names) for _ in range(count)]
            self.dht.receive(encode_reply(request_id, Nodes(bytes(8), named)), self.contact, self.now)


def test_nodes_that_started_together_look_around_one_by_one() -> None:
    looked_at = []
    for seed in range(5):
        lonely = Lonely(contacts(1)[0], contacts(100), seed=seed)
        lonely.run(1)
        looked_at.append(lonely.looked_at)
    assert len(set(looked_at)) == 5
    assert CONFIG.greet_after_s <= min(looked_at)
    assert max(looked_at) <= 1.5 * CONFIG.greet_after_s


@pytest.mark.parametrize("count", [5, 15, 16, 30])
def test_names_of_nobody_cost_no_more_than_a_small_network(count: int) -> None:
    witness, *names = contacts(200)
    lonely = Lonely(witness, names)
    lonely.run(count)
    told = 4 * count
    assert len(lonely.asked) == (told if told + 2 <= CONFIG.greeted_max else 0)
    assert not len(lonely.dht.contexts[0].rpc)


def test_those_at_large_are_neither_met_nor_witnesses() -> None:
    witness, at_large = contacts(1)[0], contacts(100, "20.0.0.1")
    lonely = Lonely(witness, at_large)
    lonely.run(5)
    assert lonely.questions == 4
    assert not lonely.asked
    lonely = Lonely(at_large[0], ())
    lonely.run(5)
    assert not lonely.questions


def test_liars_and_those_who_just_failed_are_not_met() -> None:
    witness, *names = contacts(100)
    lonely = Lonely(witness, names)
    context = lonely.dht.contexts[0]
    for _ in range(3):
        context.standings.blame(names[0].node_id, "malformed answer", 0.0)
    context.rpc.timing.failed(names[1].node_id, 0.0, 0.0)
    lonely.run(5)
    assert set(lonely.asked) == {name.node_id for name in names[2:20]}


def test_names_of_ourselves_and_of_services_of_our_own_host_are_not_believed() -> None:
    own = Contact(Identity(bytes(32)).public_key, Endpoint("udp", "10.0.0.1", 7400))
    lonely = Lonely(contacts(1)[0], [own, *contacts(100, "127.0.0.1")[1:]])
    lonely.run(5)
    assert lonely.questions == 4
    assert not lonely.asked
