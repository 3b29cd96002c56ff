"""The Overlay in a small world: calls, messages, loss, death, restarts, strangers."""

from __future__ import annotations

import pytest
from overlay_world import Call, World

from mesh99.dht import DhtConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.errors import HandshakeFailed, NoPath
from mesh99.wire.identity import Identity


def connected(world: World, **kwargs: OverlayConfig) -> tuple[Overlay, Overlay, Call]:
    a, b = world.add(1, **kwargs), world.add(2, **kwargs)
    call = Call()
    a.connect(world.contact_of(b), world.now, call)
    world.run(lambda: call.over and a.identity.node_id in [line.node_id for line in b.lines.current()])
    assert call.error is None
    return a, b, call


def inbox(overlay: Overlay) -> list[bytes]:
    received: list[bytes] = []
    overlay.on_message = lambda line, message: received.append(bytes(message))
    return received


def test_a_known_peer_is_called_in_one_round_trip() -> None:
    world = World(delay_s=0.05)
    a, b = world.add(1), world.add(2)
    call = Call()
    started = world.now
    a.connect(world.contact_of(b), world.now, call)
    world.run(lambda: call.over)
    assert call.line is not None
    assert call.line.node_id == b.identity.node_id
    assert world.now - started == pytest.approx(0.1)


def test_an_unknown_key_is_learned_from_the_endpoint() -> None:
    world = World()
    a, b = world.add(1), world.add(2)
    call = Call()
    a.connect(world.endpoint_of(b), world.now, call)
    world.run(lambda: call.over and len(b.lines) == 1)
    assert call.line is not None
    assert call.line.public_key == b.identity.public_key


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
def test_messages_arrive_once_and_in_order(loss: float) -> None:
    world = World(loss=0.0)
    a, b, call = connected(world)
    world.loss = loss
    received = inbox(b)
    sent = [f"{i}:".encode() + bytes(i % 3000) for i in range(200)]
    assert call.line is not None
    for message in sent:
        a.send_message(call.line, message, world.now)
    world.run(lambda: len(received) >= len(sent), timeout_s=120)
    assert received == sent


def test_a_peer_that_leaves_a_question_unanswered_is_suspect_long_before_its_keepalive() -> None:
    world = World()
    a, b, _ = connected(world)
    gone: list[bytes] = []
    a.on_peer = lambda line, came: None if came else gone.append(line.node_id)
    world.run_for(5.0)
    world.kill(b)
    config = a.config
    a.dht.find_node(bytes(32), world.now, lambda result: None)
    limit_s = config.suspect_s + (config.probes_max + 1) * config.probe_interval_s
    assert limit_s < config.quiet_keepalive_s
    world.run(lambda: gone, limit_s)
    assert gone == [b.identity.node_id]


def test_a_silent_peer_is_dropped_and_told_of() -> None:
    world = World()
    a, b, _ = connected(world)
    gone: list[bytes] = []
    a.on_peer = lambda line, came: None if came else gone.append(line.node_id)
    world.kill(b)
    config = a.config
    world.run(lambda: gone, config.quiet_keepalive_s + (config.probes_max + 2) * config.probe_interval_s)
    assert gone == [b.identity.node_id]
    assert len(a.lines) == 0


def test_a_dead_peer_is_found_out_soon_after_it_was_talked_to() -> None:
    world = World()
    a, b, call = connected(world, config=OverlayConfig(dht=DhtConfig(greeted_max=0)))
    gone: list[bytes] = []
    a.on_peer = lambda line, came: None if came else gone.append(line.node_id)
    world.kill(b)
    assert call.line is not None
    a.send_message(call.line, b"are you there?", world.now)
    config = a.config
    world.run(lambda: gone, config.suspect_s + (config.probes_max + 1) * config.probe_interval_s)


def test_a_silent_live_peer_is_kept() -> None:
    world = World()
    a, b, _ = connected(world)
    world.run_for(120)
    assert len(a.lines) == 1
    assert len(b.lines) == 1


def test_an_unused_line_is_closed_on_both_sides() -> None:
    world = World()
    a, b, _ = connected(world, config=OverlayConfig(quiet_idle_s=30.0))
    world.run_for(60)
    assert len(a.lines) == 0
    assert len(b.lines) == 0


def test_a_restarted_peer_says_that_it_forgot() -> None:
    world = World()
    a, b, call = connected(world)
    gone: list[bytes] = []
    a.on_peer = lambda line, came: None if came else gone.append(line.node_id)
    world.kill(b)
    world.now += 1
    world.add(2)
    assert call.line is not None
    a.send_message(call.line, b"hello", world.now)
    started = world.now
    world.run(lambda: gone)
    assert world.now - started < 1.0
    assert call.line.session.closed == "reset"


def test_goodbye_reaches_the_peer() -> None:
    world = World()
    a, b, _ = connected(world)
    a.close("shutdown", world.now)
    world.run(lambda: len(b.lines) == 0)


def test_both_calling_at_once_end_on_one_line() -> None:
    world = World()
    a, b = world.add(1), world.add(2)
    calls = Call(), Call()
    a.connect(world.contact_of(b), world.now, calls[0])
    b.connect(world.contact_of(a), world.now, calls[1])
    world.run(lambda: all(call.over for call in calls))
    world.run_for(1)
    [line_a], [line_b] = a.lines.current(), b.lines.current()
    assert line_a.session.local_id == line_b.session.remote_id
    received = inbox(b)
    a.send_message(line_a, b"x", world.now)
    world.run(lambda: received == [b"x"])


@pytest.mark.parametrize("reason", ["network", "key"])
def test_a_wrong_network_or_key_is_named_on_the_dialling_side(reason: str) -> None:
    world = World()
    a = world.add(1)
    b = world.add(2, OverlayConfig(network="another" if reason == "network" else "mesh99"))
    contact = world.contact_of(b)
    if reason == "key":
        contact = type(contact)(Identity(bytes(32)).public_key, contact.endpoint)
    call = Call()
    a.connect(contact, world.now, call)
    world.run(lambda: call.over)
    assert isinstance(call.error, HandshakeFailed)
    assert call.error.reason == reason


def test_nobody_there_is_said_within_the_deadline() -> None:
    world = World()
    a, b = world.add(1), world.add(2)
    contact = world.contact_of(b)
    world.kill(b)
    call = Call()
    started = world.now
    a.connect(contact, world.now, call)
    world.run(lambda: call.over)
    assert isinstance(call.error, NoPath)
    assert world.now - started <= a.config.dial_timeout_s + 0.01


def test_a_lost_final_packet_is_sent_again() -> None:
    world = World()
    a, b = world.add(1), world.add(2)
    lost: list[bytes] = []

    def lose_first_final(packet: bytes, source: object, destination: object) -> bytes | None:
        if packet[0] == 0x82 and not lost:
            lost.append(packet)
            return None
        return packet

    world.rule = lose_first_final
    a.connect(world.endpoint_of(b), world.now, Call())
    world.run(lambda: len(b.lines) == 1)
    assert lost


def test_unvalidated_sources_never_get_more_than_they_sent() -> None:
    world = World()
    a, b = world.add(1), world.add(2)
    endpoint_a = world.endpoint_of(a)
    world.rule = lambda packet, source, destination: None if destination == endpoint_a else packet
    a.connect(world.contact_of(b), world.now, Call())
    a.connect(world.endpoint_of(b), world.now, Call())
    world.run_for(8)
    to_b = sum(len(packet) for source, _, packet in world.carried if source == endpoint_a)
    to_a = sum(len(packet) for _, destination, packet in world.carried if destination == endpoint_a)
    assert 0 < to_a <= to_b


def test_flipped_bits_change_nothing_but_counters() -> None:
    world = World()
    a, b, call = connected(world)
    received = inbox(b)
    assert call.line is not None
    a.send_message(call.line, b"the only message", world.now)
    [(packet, _)] = a.take_packets(world.now)
    source = world.endpoint_of(a)
    for position in range(8 * len(packet)):
        flipped = bytearray(packet)
        flipped[position // 8] ^= 1 << position % 8
        b.receive(bytes(flipped), source, world.now)
    for size in range(len(packet)):
        b.receive(packet[:size], source, world.now)
    assert received == []
    b.receive(packet, source, world.now)
    assert received == [b"the only message"]


def test_bulk_moves_to_tcp_and_back_when_it_breaks() -> None:
    world = World()
    a, b, call = connected(world)
    received = inbox(b)
    assert call.line is not None
    big = [bytes([i]) * 300_000 for i in range(8)]
    for message in big[:4]:
        a.send_message(call.line, message, world.now)
    world.run(lambda: call.line.session.path.transport == "tcp")
    world.run(lambda: len(received) >= 1)
    world.cut_streams()
    for message in big[4:]:
        a.send_message(call.line, message, world.now)
    world.run(lambda: len(received) == 8, timeout_s=120)
    assert received == big
    assert call.line.session.path.transport == "udp"


def test_a_flood_of_first_packets_is_answered_with_cookies() -> None:
    world = World()
    b = world.add(0, OverlayConfig(cookie_half_open=4))
    for index in range(1, 12):
        caller = world.add(index)
        caller.connect(world.contact_of(b), world.now, Call())
    world.run(lambda: len(b.lines) == 11)
    assert b.dropped_by_reason()["handshake: cookie asked"] > 0
