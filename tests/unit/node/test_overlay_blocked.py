"""Nodes whose network lets no UDP through: over TCP to a relay, and through it to everybody."""

from __future__ import annotations

import pytest

from mesh99.nat.behaviour import NatKind
from mesh99.nat.relay.config import RelayConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from tests.support.boxed_world import BoxedWorld
from tests.support.overlay_world import Call

SERVING = OverlayConfig(relay=RelayConfig(serve=True))
NOWHERE = Endpoint("udp", "192.168.77.77", 9)
COLD_S_MAX = 1.5


class Blocked:
    """A relay, a node without UDP that calls it, and another node."""

    def __init__(self, other: str = "port") -> None:
        self.world = BoxedWorld()
        self.relay = self.world.join("none", SERVING)
        self.node, self.other = self.world.join("udpblock"), self.world.join(other)
        for overlay in (self.node, self.other):
            overlay.relaying.reservations.wanted = True
            overlay.connect(self.world.contact_of(self.relay), self.world.now, Call())

    def granted(self, overlay: Overlay) -> list[object]:
        return list(overlay.relaying.reservations.granted(self.world.now))

    def call(self, caller: Overlay, called: Overlay) -> Call:
        call = Call()
        contact = Contact(called.identity.public_key, NOWHERE)
        caller.connect(contact, self.world.now, call, relays=[self.world.contact_of(self.relay)])
        return call


def test_it_reserves_at_a_relay_over_tcp() -> None:
    blocked = Blocked()
    began = blocked.world.now
    blocked.world.run(lambda: blocked.granted(blocked.node))
    assert blocked.world.now - began <= COLD_S_MAX
    line = blocked.node.lines.find(blocked.relay.identity.node_id)
    assert line is not None
    assert line.path_kind == "tcp"
    assert blocked.node.reach.kind is NatKind.BLOCKED
    assert blocked.other.reach.kind is not NatKind.BLOCKED


@pytest.mark.parametrize("other", ["none", "port", "sym", "udpblock"])
@pytest.mark.parametrize("blocked_calls", [True, False])
def test_it_talks_through_the_relay_within_a_cold_start(other: str, blocked_calls: bool) -> None:
    blocked = Blocked(other)
    world, heard = blocked.world, list[bytes]()
    began = world.now
    caller, called = (blocked.node, blocked.other) if blocked_calls else (blocked.other, blocked.node)
    called.on_message = lambda line, message: heard.append(bytes(message))
    world.run(lambda: blocked.granted(called))
    call = blocked.call(caller, called)
    world.run(lambda: call.line is not None)
    assert call.line is not None
    sent = [b"%d" % number + bytes(2000) for number in range(200)]
    caller.send_message(call.line, sent[0], world.now)
    world.run(lambda: heard)
    assert world.now - began <= COLD_S_MAX
    for message in sent[1:]:
        caller.send_message(call.line, message, world.now)
    world.run(lambda: len(heard) == len(sent))
    assert heard == sent
    assert call.line.path_kind == "relay"


def test_nothing_is_knocked_at_and_nobody_is_told_its_connection() -> None:
    blocked = Blocked("port")
    world = blocked.world
    world.run(lambda: blocked.granted(blocked.node))
    call = blocked.call(blocked.other, blocked.node)
    world.run(lambda: call.line is not None)
    world.carried.clear()
    world.run_for(60.0)
    relay = world.endpoint_of(blocked.relay)
    sent_to = {destination for source, destination, _ in world.carried if source.host != relay.host}
    assert sent_to == {relay, relay._replace(transport="tcp")}
    for overlay in (blocked.relay, blocked.other):
        assert overlay.dht.table.find(blocked.node.identity.node_id) is None


def test_a_silent_peer_is_no_blocked_network() -> None:
    world = BoxedWorld()
    here, there = world.join(), world.join()
    call, vain = Call(), Call()
    here.connect(world.contact_of(there), world.now, call)
    here.connect(Contact(world.join().identity.public_key, NOWHERE), world.now, vain)
    world.run(lambda: vain.error is not None)
    assert not here.reach.is_blocked


def test_a_connection_gets_no_heartbeats() -> None:
    blocked = Blocked("none")
    world, call = blocked.world, Call()
    world.run(lambda: blocked.granted(blocked.node))
    relays = [world.contact_of(blocked.relay)]
    blocked.node.connect(world.contact_of(blocked.other), world.now, call, relays=relays)
    world.run(lambda: call.line is not None)
    line = call.line
    assert line is not None
    assert line.path_kind == "tcp"
    blocked.node.send_message(line, b"hello", world.now)
    world.run_for(0.5)
    assert line.watch is not None
    assert line.watch.next_timeout() > world.now + 5.0


def test_it_uses_udp_again_when_that_passes() -> None:
    blocked = Blocked()
    world = blocked.world
    world.run(lambda: blocked.granted(blocked.node))
    world.unbox(blocked.node)
    call = Call()
    blocked.node.connect(world.contact_of(world.join()), world.now, call)
    world.run(lambda: call.line is not None)
    assert call.line is not None
    assert call.line.path_kind == "direct"
    assert not blocked.node.reach.is_blocked
