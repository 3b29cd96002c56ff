"""Extra sockets, on every host: opened by the first packet through them, and named by what comes back."""

from __future__ import annotations

import psutil
from host_worlds import HostWorld, LoopbackWorld, Site, pair

from mesh99.wire.endpoint import Endpoint


def overhear(site: Site) -> list[tuple[bytes, Endpoint]]:
    """Take the packets that come to a site, before its overlay sees them."""
    heard: list[tuple[bytes, Endpoint]] = []
    vars(site.overlay)["receive"] = lambda packet, source, now: heard.append((bytes(packet), source))
    return heard


def test_what_comes_back_names_the_socket_that_it_came_through(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    heard, back = overhear(b), overhear(a)
    for number in (1, 7, 7):
        a.network.send(b"%d" % number, b.endpoint.through(number))
        world.until(lambda: heard)
        ((packet, source),) = heard
        assert source.host == a.endpoint.host
        assert source.port != a.endpoint.port
        b.network.send(packet, source)
        world.until(lambda: back)
        assert back == [(packet, b.endpoint.through(number))]
        heard.clear()
        back.clear()


def test_a_socket_keeps_its_port_until_it_is_closed(world: HostWorld) -> None:
    a, b = world.add(), world.add()
    heard, back = overhear(b), overhear(a)
    for number in (1, 2, 1):
        a.network.send(b"%d" % number, b.endpoint.through(number))
    world.until(lambda: len(heard) == 3)
    assert len(set(heard)) == 2
    for number in (1, 1, 9):
        a.network.close_socket(number)
    for packet, source in set(heard):
        b.network.send(packet, source)
    world.until(lambda: back)
    world.rest(0.05)
    assert back == [(b"2", b.endpoint.through(2))]


def test_a_line_goes_on_through_an_extra_socket(world: HostWorld) -> None:
    a, b, call = pair(world)
    call.line.session.use_path(b.endpoint.through(3), a.clock.now())
    for number in range(20):
        a.send(call.line, b"%d" % number)
    world.until(lambda: len(b.received) == 20)
    (line,) = b.overlay.lines.current()
    world.until(lambda: line.session.path != a.endpoint)
    assert call.line.path_kind == line.path_kind == "direct"
    for number in range(20):
        b.send(line, b"%d" % number)
    world.until(lambda: len(a.received) == 20)
    assert a.received == b.received == [b"%d" % number for number in range(20)]


def test_closing_closes_them(loopback: LoopbackWorld) -> None:
    process = psutil.Process()
    loopback.rest(0.01)
    before = process.num_fds()
    a, b = loopback.add(), loopback.add()
    for number in range(1, 33):
        a.network.send(b"out", b.endpoint.through(number))
    assert process.num_fds() >= before + 32
    for site in (a, b):
        loopback.close(site)
    assert process.num_fds() == before
