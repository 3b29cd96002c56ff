"""Which TCP connection a line uses when there are several, and what becomes of the others."""

from __future__ import annotations

import pytest
from overlay_world import Call, World

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.endpoint import Endpoint

QUIET = OverlayConfig(tcp_upgrade_bytes=2**40)
CONNECTIONS = [Endpoint("tcp", "127.0.0.1", 50_000 + number) for number in range(10)]


def line_between(world: World) -> tuple[Overlay, Line, Overlay, Line]:
    """Return the caller and its line, and the side that was called and its line."""
    a, b = world.add(1, QUIET), world.add(2, QUIET)
    call = Call()
    a.connect(world.contact_of(b), world.now, call)
    world.run(lambda: call.line is not None and len(b.lines) == 1)
    assert call.line is not None
    return a, call.line, b, b.lines.current()[0]


def bring(world: World, sender: Overlay, line: Line, receiver: Overlay, connection: Endpoint) -> None:
    """Let a packet of the sender come over a connection."""
    sender.ping(line, world.now)
    for packet, _ in sender.take_packets(world.now):
        receiver.receive(packet, connection, world.now)


def test_who_was_called_follows_its_caller_and_closes_what_is_left_behind() -> None:
    world = World()
    a, to_b, b, to_a = line_between(world)
    for number, connection in enumerate(CONNECTIONS):
        bring(world, a, to_b, b, connection)
        assert to_a.session.path == connection
        assert b.take_stream_closures() == CONNECTIONS[number - 1 : number] if number else True


def test_a_caller_stays_on_a_connection_that_lives() -> None:
    world = World()
    a, to_b, b, to_a = line_between(world)
    bring(world, b, to_a, a, CONNECTIONS[0])
    for _ in range(5):
        world.now += QUIET.suspect_s * 0.9
        bring(world, b, to_a, a, CONNECTIONS[0])
        bring(world, b, to_a, a, CONNECTIONS[1])
        assert to_b.session.path == CONNECTIONS[0]
    assert a.take_stream_closures() == []


def test_a_caller_leaves_a_connection_that_fell_silent() -> None:
    world = World()
    a, to_b, b, to_a = line_between(world)
    bring(world, b, to_a, a, CONNECTIONS[0])
    world.now += QUIET.suspect_s * 1.1
    bring(world, b, to_a, a, CONNECTIONS[1])
    assert to_b.session.path == CONNECTIONS[1]
    assert a.take_stream_closures() == [CONNECTIONS[0]]


@pytest.mark.parametrize("side", ["caller", "called"])
def test_a_connection_that_opens_too_late_is_closed(side: str) -> None:
    world = World()
    a, to_b, b, to_a = line_between(world)
    here, line, there, back = (a, to_b, b, to_a) if side == "caller" else (b, to_a, a, to_b)
    own = line.stream_endpoint()
    assert own is not None
    bring(world, there, back, here, CONNECTIONS[0])
    here.stream_opened(own, world.now)
    assert line.session.path == CONNECTIONS[0]
    assert here.take_stream_closures() == [own]


def test_a_lost_connection_leads_back_to_datagrams() -> None:
    world = World()
    a, to_b, b, to_a = line_between(world)
    bring(world, a, to_b, b, CONNECTIONS[0])
    b.stream_closed(CONNECTIONS[0], world.now)
    assert to_a.session.path == world.endpoint_of(a)
