"""Who is found to be reached by strangers says so to those whom it has met; who is not is listed by few."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh99.dht.config import DhtConfig
from mesh99.nat.behaviour import Filtering
from mesh99.nat.messages import Reached, decode, encode
from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.stun.message import MessageClass, Method, StunMessage
from mesh99.nat.stun.message import encode as encode_stun
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from tests.support.boxed_world import BoxedWorld

CONFIG = OverlayConfig(checks_reach=True, dht=DhtConfig(open_enough=3))
SERVING = replace(CONFIG, relay=RelayConfig(serve=True))


class Neighbours:
    """Four open nodes that serve and know each other, and a newcomer that has met three of them."""

    def __init__(self, box: str) -> None:
        self.world = BoxedWorld()
        self.open = [self.world.join("none", SERVING) for _ in range(4)]
        for one in self.open:
            for other in self.open:
                if one is not other:
                    self.call(one, other)
        self.world.run_for(1.0)
        self.newcomer = self.world.join(box, CONFIG)
        for other in self.open[:3]:
            self.call(self.newcomer, other)
        self.world.run_for(0.2)

    def call(self, caller: Overlay, called: Overlay) -> None:
        caller.connect(self.world.contact_of(called), self.world.now, lambda line, error: None)

    def listed(self) -> list[bool]:
        return [self.newcomer.identity.node_id in other.dht.table for other in self.open[:3]]


def test_an_open_node_is_listed_once_it_is_known_to_be() -> None:
    neighbours = Neighbours("full")
    assert neighbours.listed() == [False] * 3
    neighbours.world.run_for(20.0)
    assert neighbours.newcomer.reach.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert neighbours.listed() == [True] * 3


@pytest.mark.parametrize("box", ["addr", "port", "sym"])
def test_a_node_behind_a_box_is_listed_nowhere_and_knows_the_others(box: str) -> None:
    neighbours = Neighbours(box)
    neighbours.world.run_for(20.0)
    assert neighbours.listed() == [False] * 3
    assert all(other.identity.node_id in neighbours.newcomer.dht.table for other in neighbours.open[:3])


def test_a_token_from_where_something_was_sent_lately_proves_nothing() -> None:
    neighbours = Neighbours("port")
    newcomer, world = neighbours.newcomer, neighbours.world
    stranger = Endpoint("udp", "30.0.0.1", 7400)

    def token_comes() -> None:
        newcomer.reach.dial_back.ask(world.now)
        message = StunMessage(Method.BINDING, MessageClass.INDICATION, newcomer.reach.dial_back._token)
        newcomer.receive(encode_stun(message, fingerprint=False), stranger, world.now)

    newcomer.reach.sent([(b"knock", stranger)], world.now)
    token_comes()
    assert newcomer.reach.filtering is Filtering.UNKNOWN
    world.run_for(301.0)
    token_comes()
    assert newcomer.reach.filtering is Filtering.ENDPOINT_INDEPENDENT


@pytest.mark.parametrize("by_strangers", [0, 1])
def test_the_word_on_it_is_read_as_it_was_written(by_strangers: int) -> None:
    assert decode(encode(Reached(by_strangers))) == Reached(by_strangers)


@pytest.mark.parametrize("data", [b"\x92\x14\x02", b"\x92\x14\xc3", b"\x91\x14"])
def test_another_word_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data)
