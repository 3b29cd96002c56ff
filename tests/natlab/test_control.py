"""What can happen to boxes and links while a lab runs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from .check import DELAY_S
from .lab import Lab
from .site import Host

pytestmark = pytest.mark.network_namespaces
WAIT_S = 5.0
SILENCE_S = 0.2  # long enough for what passes at all: a round trip takes 4 ms
PORT = 5000
Address = tuple[str, int]
Between = Callable[[Host, Host], "Line"]


class Line:
    """A UDP socket at a host and one at a public place."""

    def __init__(self, host: Host, server: Host) -> None:
        self.inside = host.socket(host.address)
        self.outside = server.socket(server.address, PORT)
        self.server = (server.address, PORT)

    def close(self) -> None:
        """Close both."""
        self.inside.close()
        self.outside.close()

    def out(self) -> Address | None:
        """Send outwards, and say from where it came; None when it did not come."""
        return _passes(self.inside, self.outside, self.server)

    def back(self, mapped: Address) -> bool:
        """Send to the host, and tell whether it came from the server."""
        return _passes(self.outside, self.inside, mapped) == self.server


def _passes(sender: socket.socket, receiver: socket.socket, target: Address) -> Address | None:
    token = str(time.monotonic()).encode()
    sender.sendto(token, target)
    deadline = time.monotonic() + SILENCE_S
    while (left_s := deadline - time.monotonic()) > 0:
        receiver.settimeout(left_s)
        try:
            came, source = receiver.recvfrom(99)
        except TimeoutError:
            return None
        if came == token:
            return str(source[0]), int(source[1])
    return None


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(["full", "sym"], servers=2, delay_s=DELAY_S) as built:
        yield built


@pytest.fixture
def between() -> Iterator[Between]:
    """Open lines that end with the test."""
    lines: list[Line] = []

    def opened(host: Host, server: Host) -> Line:
        lines.append(Line(host, server))
        return lines[-1]

    yield opened
    for line in lines:
        line.close()


@pytest.mark.parametrize("site", [0, 1])
def test_a_reboot_loses_the_mappings(lab: Lab, site: int, between: Between) -> None:
    line = between(lab.sites[site].hosts[0], lab.servers[0])
    mapped = line.out()
    assert mapped
    assert line.back(mapped)
    lab.sites[site].reboot()
    assert not line.back(mapped)
    again = line.out()
    assert again
    assert line.back(again)


@pytest.mark.parametrize("site", [0, 1])
def test_another_address_takes_the_old_ones_place(lab: Lab, site: int, between: Between) -> None:
    line = between(lab.sites[site].hosts[0], lab.servers[0])
    before = line.out()
    assert before
    address = lab.sites[site].renumber()
    after = line.out()
    assert after
    assert after[0] == address != before[0]
    assert line.back(after)
    assert not line.back(before)


def test_a_public_host_can_get_another_address(between: Between) -> None:
    with Lab(["none"], servers=1, delay_s=DELAY_S) as lab:
        address = lab.sites[0].renumber()
        mapped = between(lab.hosts[0], lab.servers[0]).out()
        assert mapped
        assert mapped[0] == address == lab.hosts[0].address


def test_a_cut_path_leaves_other_paths(between: Between) -> None:
    with Lab(["port", "port"], servers=2, delay_s=DELAY_S) as lab:
        cut, whole = between(lab.hosts[0], lab.servers[0]), between(lab.hosts[0], lab.servers[1])
        lab.cut(lab.sites[0], lab.servers[0])
        assert not cut.out()
        assert whole.out()
        lab.cut(lab.sites[0], lab.servers[0], is_cut=False)
        assert cut.out()


def test_a_cut_link_carries_nothing(lab: Lab, between: Between) -> None:
    line = between(lab.hosts[0], lab.servers[0])
    lab.cut(lab.sites[0], lab.sites[0])
    assert not line.out()
    lab.cut(lab.sites[0], lab.sites[0], is_cut=False)
    assert line.out()


def test_all_is_lost_where_loss_is_certain(lab: Lab, between: Between) -> None:
    line = between(lab.hosts[0], lab.servers[0])
    lab.set_cost(loss=1.0)
    assert not line.out()
    lab.set_cost(loss=0.0)
    assert line.out()


def test_a_crossing_takes_its_time(lab: Lab, between: Between) -> None:
    line = between(lab.hosts[0], lab.servers[0])
    assert line.out()
    lab.set_cost(delay_s=0.03)
    started = time.monotonic()
    assert line.out()
    # Two crossings; how much longer a busy machine takes is not for a test to say.
    assert time.monotonic() - started >= 0.06


@pytest.mark.parametrize("site", ["sym", "udpblock", "port+port", "fw", "none"])
def test_tcp_passes_and_its_bytes_are_counted(site: str) -> None:
    data = bytes(300_000)
    with Lab([site], servers=1, delay_s=DELAY_S) as lab:
        (host,), (server,) = lab.hosts, lab.servers
        received, sent = host.bytes()
        with server.socket(server.address, PORT, socket.SOCK_STREAM) as listening:
            listening.listen()
            listening.settimeout(WAIT_S)
            caller = host.socket(host.address, kind=socket.SOCK_STREAM)
            with caller:
                caller.settimeout(WAIT_S)
                caller.connect((server.address, PORT))
                called, _ = listening.accept()
                sending = threading.Thread(target=_send_all, args=(caller, data))
                sending.start()
                with called, called.makefile("rb") as stream:
                    assert stream.read() == data
                sending.join()
        assert host.bytes()[1] - sent > len(data)
        assert host.bytes()[0] - received < len(data) / 5


def _send_all(sender: socket.socket, data: bytes) -> None:
    sender.sendall(data)
    sender.shutdown(socket.SHUT_WR)


def test_isolated_hosts_do_not_see_each_other(between: Between) -> None:
    with Lab(["port:hosts=2", "port:hosts=2:isolated"], servers=1, delay_s=DELAY_S) as lab:
        neighbours, strangers = (between(site.hosts[0], site.hosts[1]) for site in lab.sites)
        assert neighbours.out()
        assert not strangers.out()
