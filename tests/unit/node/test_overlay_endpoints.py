"""Where a peer is met: what counts is where it answered, not where somebody else sent its packets on from."""

from __future__ import annotations

import pytest
from overlay_world import Call, World

from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.packet import INITIAL, REPLY

ELSEWHERE = Endpoint("udp", "127.0.0.9", 9)


def _pair() -> tuple[World, Overlay, Overlay]:
    world = World()
    return world, world.add(1), world.add(2)


def _send_on(world: World, kind: int, to: Overlay) -> None:
    """Let the first packet of a kind arrive from elsewhere before it arrives from where it was sent."""
    done: list[bytes] = []

    def rule(packet: bytes, source: Endpoint, destination: Endpoint) -> bytes:
        if packet[0] == kind and not done:
            done.append(packet)
            to.receive(packet, ELSEWHERE, world.now)
        return packet

    world.rule = rule


def _known_at(holder: Overlay, peer: Overlay) -> Endpoint | None:
    entry = holder.dht.table.find(peer.identity.node_id)
    return entry.contact.endpoint if entry is not None else None


def test_a_first_packet_that_was_sent_on_from_elsewhere_gives_no_contact_there() -> None:
    world, caller, called = _pair()
    _send_on(world, INITIAL, called)
    call = Call()
    caller.connect(world.contact_of(called), world.now, call)
    world.run(lambda: call.over)
    world.run(lambda: called.lines.find(caller.identity.node_id) is not None)
    assert _known_at(called, caller) in (None, world.endpoint_of(caller))
    world.run(lambda: _known_at(called, caller) == world.endpoint_of(caller))


def test_an_answer_that_was_sent_on_from_elsewhere_does_not_move_the_peer() -> None:
    world, caller, called = _pair()
    _send_on(world, REPLY, caller)
    call = Call()
    caller.connect(world.contact_of(called), world.now, call)
    world.run(lambda: call.over)
    assert call.line is not None
    assert call.line.session.path == call.line.endpoint == world.endpoint_of(called)
    assert _known_at(caller, called) == world.endpoint_of(called)


def test_a_peer_whose_address_changed_is_known_at_the_new_one() -> None:
    world, caller, called = _pair()
    call = Call()
    caller.connect(world.contact_of(called), world.now, call)
    world.run(lambda: _known_at(called, caller) == world.endpoint_of(caller))
    moved = Endpoint("udp", "127.0.0.1", 7777)
    del world.overlays[world.endpoint_of(caller)]
    world.overlays[moved] = caller
    assert call.line is not None
    caller.ping(call.line, world.now)
    world.run(lambda: _known_at(called, caller) == moved)


def test_who_joins_a_call_brings_the_endpoints_it_knows() -> None:
    """A call that the DHT began at an endpoint which leads nowhere must not keep a better one from being tried."""
    world, caller, called = _pair()
    nowhere, call = Call(), Call()
    caller.connect(Contact(called.identity.public_key, ELSEWHERE), world.now, nowhere)
    caller.connect(world.contact_of(called), world.now, call)
    world.run(lambda: call.over, timeout_s=1.0)
    assert call.line is not None
    assert nowhere.line is call.line


@pytest.mark.parametrize(("in_vain", "at_once"), [(1, True), (2, False)])
def test_the_first_two_endpoints_are_called_at_once_and_a_third_later(in_vain: int, at_once: bool) -> None:
    world, caller, called = _pair()
    contact = world.contact_of(called)
    first, *others = (*(ELSEWHERE._replace(port=9 + each) for each in range(in_vain)), contact.endpoint)
    began, call = world.now, Call()
    caller.connect(Contact(contact.public_key, first), world.now, call, *others)
    world.run(lambda: call.over, timeout_s=1.0)
    assert call.line is not None
    assert (world.now - began < caller.config.dial_retries_s[0]) == at_once
