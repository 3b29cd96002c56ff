"""One suite, every host: what a node may expect of its clock and its network, on real sockets and in the simulator.

The simulator's word counts only as long as its host and the real one behave alike; whatever this file asks of one it
asks of all.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from host_worlds import HostWorld, Site, pair

from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import NoPath

IMPATIENT = OverlayConfig(keepalive_s=0.2, quiet_keepalive_s=0.2, probe_interval_s=0.1, probes_max=2)
"""A dead peer is found 0.4 s after its last packet."""


# the clock


def test_time_never_goes_back(world: HostWorld) -> None:
    clock = world.add().clock
    times = [clock.now()]
    for _ in range(20):
        world.rest(0.001)
        times += [clock.now(), clock.now()]
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.019


def test_wall_clock_time_is_seconds_since_1970(world: HostWorld) -> None:
    clock = world.add().clock
    began = clock.unix_now()
    assert 1.5e9 < began < 1e10
    world.until(lambda: clock.unix_now() > began)


def test_calls_come_in_the_order_of_their_times_and_never_early(world: HostWorld) -> None:
    clock = world.add().clock
    began = clock.now()
    called: list[tuple[float, float]] = []

    def call(when: float) -> None:
        called.append((when, clock.now()))

    for delay_s in (0.05, 0.01, 0.03, 0.02, 0.04):
        clock.call_at(began + delay_s, partial(call, began + delay_s))
    world.until(lambda: len(called) == 5)
    assert called == sorted(called)
    assert all(now >= when for when, now in called)


def test_a_call_in_the_past_is_made_at_once(world: HostWorld) -> None:
    clock = world.add().clock
    called: list[str] = []
    clock.call_at(clock.now() - 5, lambda: called.append("past"))
    assert called == []
    world.until(lambda: called)


def test_a_call_that_was_called_off_never_comes(world: HostWorld) -> None:
    clock = world.add().clock
    called: list[str] = []
    clock.call_at(clock.now() + 0.01, lambda: called.append("off")).cancel()
    clock.call_at(clock.now() + 0.02, lambda: called.append("on"))
    world.until(lambda: called)
    assert called == ["on"]


def test_call_soon_keeps_the_order_and_never_calls_within_the_call(world: HostWorld) -> None:
    clock = world.add().clock
    called: list[int] = []
    for number in range(5):
        clock.call_soon(partial(called.append, number))
    assert called == []
    world.until(lambda: len(called) == 5)
    assert called == [0, 1, 2, 3, 4]


# datagrams


def overhear(site: Site) -> list[tuple[bytes, Endpoint]]:
    """Take the packets that come to a site, before its overlay sees them."""
    heard: list[tuple[bytes, Endpoint]] = []
    vars(site.overlay)["receive"] = lambda packet, source, now: heard.append((bytes(packet), source))
    return heard


@pytest.mark.parametrize("size", [1, 64, 1200, 1472])
def test_a_datagram_comes_whole_with_its_source(world: HostWorld, size: int) -> None:
    a, b = world.add(), world.add()
    heard = overhear(b)
    packet = bytes(i & 255 for i in range(size))
    a.network.send(packet, b.endpoint)
    a.network.flush()
    world.until(lambda: heard)
    assert heard == [(packet, a.endpoint)]


def test_every_datagram_of_a_burst_comes_once(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    heard = overhear(b)
    packets = [number.to_bytes(2, "big") * 100 for number in range(200)]
    for packet in packets:
        a.network.send(packet, b.endpoint)
    a.network.flush()
    world.until(lambda: len(heard) >= 200)
    world.rest(0.01)
    assert sorted(packet for packet, _ in heard) == packets


def test_a_datagram_to_nobody_is_lost_and_nothing_else(world: HostWorld) -> None:
    a, b, nobody = world.add(), world.add(), world.add()
    world.kill(nobody)
    heard = overhear(b)
    for _ in range(3):
        a.network.send(b"lost", nobody.endpoint)
        world.rest(0.01)
    a.network.send(b"kept", b.endpoint)
    world.until(lambda: heard)
    assert [packet for packet, _ in heard] == [b"kept"]


# lines


@pytest.mark.parametrize("known", [True, False], ids=["IK", "XX"])
def test_a_call_makes_a_line_on_both_sides(world: HostWorld, known: bool) -> None:
    a, b = world.add(), world.add()
    call = a.connect(b.contact if known else b.endpoint)
    world.until(lambda: call.outcomes and b.came)
    assert call.outcomes == 1
    assert call.line.public_key == b.contact.public_key
    assert (a.came, b.came) == ([b.contact.node_id], [a.contact.node_id])
    [line] = b.overlay.lines.current()
    assert line.session.remote_id == call.line.session.local_id
    assert line.contact() == a.contact


def test_both_calling_at_once_end_on_one_line(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    calls = a.connect(b.contact), b.connect(a.contact)
    world.until(lambda: all(call.outcomes for call in calls))
    world.rest(0.3)
    [line_a], [line_b] = a.overlay.lines.current(), b.overlay.lines.current()
    assert line_a.session.local_id == line_b.session.remote_id


def test_messages_go_both_ways_in_order(world: HostWorld) -> None:
    a, b, call = pair(world)
    [back] = b.overlay.lines.current()
    there = [b"there %d:" % i + bytes(i * 37 % 5000) for i in range(200)]
    here = [b"here %d:" % i + bytes(i * 53 % 3000) for i in range(100)]
    for i, message in enumerate(there):
        a.send(call.line, message)
        if i < len(here):
            b.send(back, here[i])
    world.until(lambda: len(b.received) >= len(there) and len(a.received) >= len(here))
    assert b.received == there
    assert a.received == here


def test_large_messages_come_whole_and_small_ones_need_not_wait(world: HostWorld) -> None:
    a, b, call = pair(world)
    large = [bytes([number]) * 700_001 for number in range(3)]
    for message in large:
        a.send(call.line, message)
    a.send(call.line, b"small")
    world.until(lambda: len(b.received) == 4, timeout_s=60)
    assert b.received.index(b"small") < 3
    assert [message for message in b.received if message != b"small"] == large
    world.until(lambda: call.line.session.queued_bytes == 0)


def test_a_goodbye_ends_the_line_on_the_other_side(world: HostWorld) -> None:
    a, b, call = pair(world)
    world.close(a)
    world.until(lambda: b.gone, timeout_s=2.0)
    assert b.gone == [a.contact.node_id]
    assert len(b.overlay.lines) == 0
    assert call.line.session.closed == "shutdown"


def test_a_killed_peer_is_noticed(world: HostWorld) -> None:
    a, b, call = pair(world, IMPATIENT)
    world.kill(b)
    world.until(lambda: a.gone)
    assert a.gone == [b.contact.node_id]
    assert call.line.session.closed == "silent"


def test_a_silent_peer_that_lives_is_kept(world: HostWorld) -> None:
    a, b, _ = pair(world, IMPATIENT)
    world.rest(0.9)
    assert (a.gone, b.gone) == ([], [])


def test_a_call_to_nobody_fails_at_its_deadline(world: HostWorld) -> None:
    a, nobody = world.add(OverlayConfig(dial_timeout_s=0.5)), world.add()
    world.kill(nobody)
    began = a.clock.now()
    call = a.connect(nobody.contact)
    world.until(lambda: call.outcomes)
    assert isinstance(call.error, NoPath)
    assert a.clock.now() - began >= 0.5


# streams


def streams_closed(site: Site) -> list[Endpoint]:
    """Note the streams that a site hears the end of."""
    closed: list[Endpoint] = []
    passed_on = site.overlay.stream_closed

    def stream_closed(endpoint: Endpoint, now: float) -> None:
        closed.append(endpoint)
        passed_on(endpoint, now)

    vars(site.overlay)["stream_closed"] = stream_closed
    return closed


def test_a_refused_stream_is_reported(world: HostWorld) -> None:
    a, nobody = world.add(), world.add()
    world.kill(nobody)
    closed = streams_closed(a)
    refused = nobody.endpoint._replace(transport="tcp")
    a.network.open_stream(refused)
    assert closed == []
    world.until(lambda: closed)
    assert closed == [refused]


def test_a_call_over_a_refused_stream_fails(world: HostWorld) -> None:
    a, nobody = world.add(OverlayConfig(dial_timeout_s=60.0)), world.add()
    world.kill(nobody)
    call = a.connect(nobody.endpoint._replace(transport="tcp"))
    world.until(lambda: call.outcomes)
    assert isinstance(call.error, NoPath)


def test_closing_a_stream_that_does_not_exist_is_nothing(world: HostWorld) -> None:
    a = world.add()
    closed = streams_closed(a)
    a.network.close_stream(Endpoint("tcp", "127.0.0.1", 9))
    world.rest(0.05)
    assert closed == []


def streams_opened(site: Site) -> list[Endpoint]:
    """Note the streams that a site hears the opening of."""
    opened: list[Endpoint] = []
    vars(site.overlay)["stream_opened"] = lambda endpoint, now: opened.append(endpoint)
    return opened


def open_stream(world: HostWorld, a: Site, b: Site) -> Endpoint:
    """Open a stream that no session uses; return its name on the first site."""
    opened = streams_opened(a)
    name = b.endpoint._replace(transport="tcp")
    a.network.open_stream(name)
    world.until(lambda: opened)
    assert opened == [name]
    return name


def test_packets_on_a_stream_come_in_order_under_the_name_of_its_other_end(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    heard, answered = overhear(b), overhear(a)
    name = open_stream(world, a, b)
    packets = [bytes([number]) * (1 + number * 1300) for number in range(50)]
    for packet in packets:
        a.network.send(packet, name)
    a.network.flush()
    world.until(lambda: len(heard) == 50)
    assert [packet for packet, _ in heard] == packets
    [back] = dict.fromkeys(source for _, source in heard)
    assert back.transport == "tcp"
    assert back.host == a.endpoint.host
    b.network.send(b"answer", back)
    b.network.flush()
    world.until(lambda: answered)
    assert answered == [(b"answer", name)]


def test_what_is_sent_while_a_stream_opens_is_kept(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    heard = overhear(b)
    name = b.endpoint._replace(transport="tcp")
    a.network.open_stream(name)
    for number in range(10):
        a.network.send(bytes([number]), name)
    a.network.flush()
    world.until(lambda: len(heard) == 10)
    assert [packet for packet, _ in heard] == [bytes([number]) for number in range(10)]


def test_closing_a_stream_delivers_what_was_sent_and_tells_both(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    heard, closed_a, closed_b = overhear(b), streams_closed(a), streams_closed(b)
    name = open_stream(world, a, b)
    a.network.send(b"last words", name)
    a.network.flush()
    a.network.close_stream(name)
    world.until(lambda: closed_a and closed_b)
    assert [packet for packet, _ in heard] == [b"last words"]
    assert (closed_a, closed_b) == ([name], [heard[0][1]])


def test_a_killed_peer_s_streams_end(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    closed = streams_closed(a)
    name = open_stream(world, a, b)
    world.kill(b)
    world.until(lambda: closed)
    assert closed == [name]


def test_a_line_moves_to_a_stream_and_back_when_it_breaks(world: HostWorld) -> None:
    a, b, call = pair(world, OverlayConfig(tcp_upgrade_bytes=1))
    a.send(call.line, b"first")
    world.until(lambda: call.line.session.path.transport == "tcp" and b.received)
    [back] = b.overlay.lines.current()
    b.send(back, b"an answer")
    world.until(lambda: a.received)
    assert back.session.path.transport == "tcp"
    a.network.close_stream(call.line.session.path)
    a.send(call.line, b"second")
    world.until(lambda: len(b.received) == 2)
    assert call.line.session.path.transport == back.session.path.transport == "udp"


def test_both_opening_a_stream_at_once_keep_one(world: HostWorld) -> None:
    a, b, call = pair(world, OverlayConfig(tcp_upgrade_bytes=100_000))
    [back] = b.overlay.lines.current()
    size = 20 * 500_000
    for _ in range(20):
        a.send(call.line, bytes(500_000))
        b.send(back, bytes(500_000))
    world.until(lambda: len(a.received) == len(b.received) == 20, timeout_s=60)
    assert call.line.session.path.transport == back.session.path.transport == "tcp"
    # Every move repeats what is under way: the two must not follow each other from one connection to the other.
    assert call.line.session.tx_bytes + back.session.tx_bytes < 2 * 1.5 * size


def test_a_peer_is_called_over_a_stream_alone(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    call = a.connect(b.endpoint._replace(transport="tcp"))
    world.until(lambda: call.outcomes and b.came)
    a.send(call.line, bytes(500_000))
    world.until(lambda: b.received)
    assert call.line.path_kind == "tcp"


# closing


def test_nothing_moves_after_closing(world: HostWorld) -> None:
    a, b, call = pair(world)
    a.send(call.line, bytes(10_000))
    world.close(a)
    world.close(b)
    sent: list[Any] = []
    for site in (a, b):
        vars(site.overlay)["handle_timeout"] = sent.append
        vars(site.overlay)["receive"] = lambda *packet: sent.append(packet)
    world.rest(0.5)
    assert sent == []
