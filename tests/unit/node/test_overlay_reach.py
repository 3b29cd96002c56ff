"""What an overlay finds out about the box in front of it, and what it answers to strangers' STUN."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh99.dht.config import DhtConfig
from mesh99.nat.behaviour import Filtering, Mapping
from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.stun.attributes import mapped_address
from mesh99.nat.stun.message import MessageClass, Method, StunMessage, decode, encode
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from tests.support.boxed_world import BoxedWorld
from tests.support.overlay_world import Call

CONFIG = OverlayConfig(checks_reach=True)
SERVING = replace(CONFIG, relay=RelayConfig(serve=True))


class Neighbours:
    """Four open nodes in as many networks that know each other, and a newcomer behind a box."""

    def __init__(self, box: str, config: OverlayConfig = CONFIG) -> None:
        self.world = BoxedWorld()
        self.open = [self.world.join("none", SERVING) for _ in range(4)]
        for one in self.open:
            for other in self.open:
                if one is not other:
                    self.call(one, other)
        self.world.run_for(1.0)
        self.newcomer = self.world.join(box, config)
        self.newcomer.reach.own_endpoints = (self.world.endpoint_of(self.newcomer),)
        # One of them stays a stranger, as most nodes of a network do.
        for other in self.open[:3]:
            self.call(self.newcomer, other)
        self.world.run_for(20.0)

    def call(self, caller: Overlay, called: Overlay) -> None:
        caller.connect(self.world.contact_of(called), self.world.now, lambda line, error: None)


@pytest.mark.parametrize(
    ("box", "mapping", "filtering"),
    [
        ("none", Mapping.NONE, Filtering.ENDPOINT_INDEPENDENT),
        ("full", Mapping.ENDPOINT_INDEPENDENT, Filtering.ENDPOINT_INDEPENDENT),
        ("addr", Mapping.ENDPOINT_INDEPENDENT, Filtering.DEPENDENT),
        ("port", Mapping.ENDPOINT_INDEPENDENT, Filtering.DEPENDENT),
        ("sym", Mapping.ADDRESS_AND_PORT_DEPENDENT, Filtering.DEPENDENT),
        ("symseq", Mapping.ADDRESS_AND_PORT_DEPENDENT, Filtering.DEPENDENT),
    ],
)
def test_a_node_finds_out_what_is_in_front_of_it(box: str, mapping: Mapping, filtering: Filtering) -> None:
    reach = Neighbours(box).newcomer.reach
    assert (reach.mapping, reach.filtering) == (mapping, filtering)


def test_the_ports_of_a_box_that_counts_can_be_told_ahead() -> None:
    assert Neighbours("symseq").newcomer.reach.observations.step() == 1
    assert Neighbours("sym").newcomer.reach.observations.step() == 0


@pytest.mark.parametrize(("box", "relays"), [("none", 0), ("full", 2), ("port", 2), ("sym", 2)])
def test_who_is_not_open_to_all_reserves_at_relays(box: str, relays: int) -> None:
    neighbours = Neighbours(box)
    granted = neighbours.newcomer.relaying.reservations.granted(neighbours.world.now)
    assert len(granted) == relays


@pytest.mark.parametrize(("box", "serves"), [("none", True), ("full", True), ("port", False), ("sym", False)])
def test_who_is_found_open_volunteers_as_a_relay(box: str, serves: bool) -> None:
    neighbours = Neighbours(box)
    newcomer = neighbours.newcomer
    assert newcomer.reach.serves is newcomer.relaying.server.serves is serves
    seen = newcomer.reach.observations.agreed()
    if serves and seen is not None:
        caller, call = neighbours.world.join("none", CONFIG), Call()
        caller.connect(Contact(newcomer.identity.public_key, seen), neighbours.world.now, call)
        neighbours.world.run(lambda: call.over, timeout_s=5.0)
        assert call.line is not None
        assert call.line.serves, "new handshakes say so"


def test_who_has_met_everybody_is_not_known_to_be_open_and_does_not_serve() -> None:
    world = BoxedWorld()
    node, other = world.join("none", CONFIG), world.join("none", CONFIG)
    node.connect(world.contact_of(other), world.now, lambda line, error: None)
    world.run_for(30.0)
    assert not node.reach.serves


@pytest.mark.parametrize("relay", [RelayConfig(serve=False), RelayConfig(serve=True)])
def test_an_owner_has_the_last_word_on_relaying(relay: RelayConfig) -> None:
    world = BoxedWorld()
    node = world.join("none", replace(CONFIG, relay=relay))
    assert node.reach.serves is node.relaying.server.serves is relay.serve
    assert not node.reach.wants_relays


def test_who_is_soon_gone_does_not_volunteer() -> None:
    neighbours = Neighbours("none", replace(CONFIG, dht=DhtConfig(ephemeral=True)))
    assert neighbours.newcomer.reach.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert not neighbours.newcomer.reach.serves


def test_a_stranger_is_told_where_it_is_seen() -> None:
    world = BoxedWorld()
    node = world.join("none")
    source = Endpoint("udp", "20.9.9.9", 9)
    node.receive(encode(StunMessage(Method.BINDING, MessageClass.REQUEST, bytes(12))), source, world.now)
    ((packet, destination),) = node.take_packets(world.now)
    assert destination == source
    assert mapped_address(decode(packet)) == source


def test_answers_to_strangers_have_a_rate() -> None:
    world = BoxedWorld()
    node = world.join("none", OverlayConfig(stun_burst=3.0))
    request = encode(StunMessage(Method.BINDING, MessageClass.REQUEST, bytes(12)))
    for _ in range(10):
        node.receive(request, Endpoint("udp", "20.9.9.9", 9), world.now)
    assert len(node.take_packets(world.now)) == 3
    assert node.dropped_by_reason()["stun: not answered"] == 7


def test_stun_that_makes_no_sense_is_counted() -> None:
    world = BoxedWorld()
    node = world.join("none")
    node.receive(bytes.fromhex("000100032112a442") + bytes(12), Endpoint("udp", "20.9.9.9", 9), world.now)
    assert node.take_packets(world.now) == []
    assert node.dropped_by_reason() == {"stun: no header of a message": 1}
