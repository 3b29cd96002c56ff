"""The extra sockets of a simulated machine."""

from __future__ import annotations

from mesh99.simulations.host import endpoint_of
from mesh99.simulations.network.extra_ports import PORTS, ExtraPorts
from mesh99.simulations.network.network import Network
from mesh99.simulations.scenario.schema import Links, Scenario, Share
from mesh99.simulations.world import World
from mesh99.wire.endpoint import Endpoint


class Two:
    """A machine with extra sockets, and another one."""

    def __init__(self) -> None:
        self.world = World(1)
        scenario = Scenario(name="two", about="Two.", links=Links(loss=Share(0.0)))
        self.network = Network(self.world, scenario)
        self.came: list[tuple[bytes, Endpoint]] = []
        self.heard: list[tuple[bytes, Endpoint]] = []
        self.own, self.other = endpoint_of(0), endpoint_of(1)
        for index, endpoint, taken in ((0, self.own, self.came), (1, self.other, self.heard)):
            self.network.attach(endpoint, index, lambda packet, source, to=taken: to.append((packet, source)))
        self.ports = ExtraPorts(self.network, 0, self.own, lambda *came: self.came.append(came))

    def run(self) -> None:
        self.world.run_until(self.world.now() + 1)


def test_what_comes_back_names_the_socket_that_it_came_through() -> None:
    two = Two()
    two.ports.send(b"out", two.other.through(7))
    two.run()
    ((packet, source),) = two.heard
    assert packet == b"out"
    assert source == two.own._replace(port=PORTS[0])
    two.network.send(b"back", 1, two.other, source)
    two.run()
    assert two.came == [(b"back", two.other.through(7))]


def test_a_closed_socket_hears_nothing_and_leaves_its_port() -> None:
    two = Two()
    two.ports.send(b"out", two.other.through(1))
    two.run()
    two.ports.close(1)
    two.network.send(b"late", 1, two.other, two.heard[0][1])
    two.run()
    assert two.came == []
    two.ports.send(b"again", two.other.through(2))
    two.run()
    assert two.heard[0][1] == two.heard[1][1]


def test_there_are_no_more_than_a_real_host_opens() -> None:
    two = Two()
    for number in range(1, len(PORTS) + 2):
        two.ports.send(b"out", two.other.through(number))
    two.run()
    assert len(two.heard) == len(PORTS)
    two.ports.close_all()
    two.ports.send(b"out", two.other.through(1))
    two.run()
    assert len(two.heard) == len(PORTS) + 1
