"""A port that a router opened: it counts when a stranger's packet comes in through it, and no sooner or longer."""

from __future__ import annotations

from dataclasses import replace

from mesh99.nat.behaviour import Filtering, NatKind
from mesh99.nat.dialback import DialBackConfig
from mesh99.nat.relay.config import RelayConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.simulations.network.nat_box import NatBox
from mesh99.wire.endpoint import Endpoint
from tests.support.boxed_world import BoxedWorld

CONFIG = OverlayConfig(checks_reach=True, dial_back=DialBackConfig(again_s=60.0))
SERVING = replace(CONFIG, relay=RelayConfig(serve=True))
PORT = 7400


class Home:
    """A node behind a hard box in which a port can be opened, and four open nodes, one of them a stranger to it."""

    def __init__(self, config: OverlayConfig = CONFIG) -> None:
        self.world = BoxedWorld()
        self.open = [self.world.join("none", SERVING) for _ in range(4)]
        for one in self.open:
            for other in self.open:
                if one is not other:
                    self.call(one, other)
        self.world.run_for(1.0)
        self.box: NatBox = self.world.box("sym")
        self.node = self.world.join(config=config, box=self.box)
        self.inside = self.world.endpoint_of(self.node)
        self.node.reach.own_endpoints = (self.inside,)
        self.outside = Endpoint("udp", self.box.address, PORT)
        self.verdicts: list[bool] = []
        self.shut = 0
        port = self.node.reach.mapped_port
        port.on_result = lambda now: self.verdicts.append(port.verified is not None)
        port.on_shut = self._note_shut
        for other in self.open[:3]:
            self.call(self.node, other)
        self.world.run_for(20.0)

    def call(self, caller: Overlay, called: Overlay) -> None:
        caller.connect(self.world.contact_of(called), self.world.now, lambda line, error: None)

    def open_port(self) -> None:
        """Let everything in at the port, as a router does that was asked to."""
        inbound = self.box.inbound

        def through(outer: Endpoint, source: Endpoint, now_ns: int) -> Endpoint | None:
            return self.inside if outer == self.outside else inbound(outer, source, now_ns)

        self.box.inbound = through  # type: ignore[method-assign]

    def close_port(self) -> None:
        """Forget the port, as a router does that was switched off and on."""
        del self.box.inbound  # type: ignore[method-assign]

    def give(self, endpoint: Endpoint | None) -> None:
        """Tell the node what the router says."""
        self.node.reach.mapped_port.give(endpoint, self.world.now)
        self.world.run_for(10.0)

    def add_strangers(self) -> None:
        """Add nodes that the others have met: by now the node knows all those there were."""
        for _ in range(6):
            stranger = self.world.join("none", OverlayConfig())
            for other in self.open:
                self.call(other, stranger)

    def _note_shut(self) -> None:
        self.shut += 1


def test_a_port_that_lets_strangers_in_makes_the_node_open() -> None:
    home = Home()
    assert home.node.reach.kind is NatKind.HARD
    assert home.node.relaying.reservations.granted(home.world.now)
    home.open_port()
    home.give(home.outside)
    port = home.node.reach.mapped_port
    assert (port.verified, port.doubt) == (home.outside, "")
    assert home.node.reach.kind is NatKind.OPEN
    # The box itself is as closed as it was, and relays are not needed any more.
    assert home.node.reach.filtering is Filtering.DEPENDENT
    assert not home.node.relaying.reservations.granted(home.world.now)
    assert home.verdicts == [True]


def test_a_port_that_the_router_only_says_it_opened_does_not_count() -> None:
    home = Home()
    home.give(home.outside)
    port = home.node.reach.mapped_port
    assert (port.verified, port.doubt) == (None, "no stranger's packet came in through it")
    assert home.node.reach.kind is NatKind.HARD
    assert home.shut == 1


def test_a_private_outer_address_is_not_even_tested() -> None:
    home = Home()
    home.open_port()
    for host in ("10.1.2.3", "100.64.0.1"):
        home.give(Endpoint("udp", host, PORT))
        port = home.node.reach.mapped_port
        assert port.test is None
        assert port.doubt == f"the router is behind another one: its outer address {host} is private"


def test_another_outer_address_than_peers_see_is_not_even_tested() -> None:
    home = Home()
    home.open_port()
    home.give(Endpoint("udp", "20.0.99.1", PORT))
    port = home.node.reach.mapped_port
    assert port.test is None
    assert port.doubt == f"the router is behind another one: it has 20.0.99.1, peers see {home.box.address}"


def test_without_peers_there_is_nothing_to_say() -> None:
    world = BoxedWorld()
    port = world.join("sym", CONFIG).reach.mapped_port
    assert port.doubt == "no port was given"
    port.give(Endpoint("udp", "20.0.1.1", PORT), world.now)
    assert port.doubt == "not tested: no peer sees this node from outside yet"


def test_a_port_that_was_closed_is_noticed_and_the_router_asked_again() -> None:
    home = Home()
    home.open_port()
    home.give(home.outside)
    home.close_port()
    home.node.reach.mapped_port.on_shut = home.open_port
    home.add_strangers()
    home.world.run_for(CONFIG.dial_back.again_s + 20.0)
    assert home.verdicts == [True, False, True]


def test_a_port_that_was_taken_back_ends_to_count_at_once() -> None:
    home = Home()
    home.open_port()
    home.give(home.outside)
    home.node.reach.mapped_port.give(home.outside, home.world.now)
    assert home.verdicts == [True]
    home.node.reach.mapped_port.give(None, home.world.now)
    assert home.verdicts == [True, False]
    assert home.node.reach.kind is NatKind.HARD


def test_a_stranger_gets_a_line_through_the_port() -> None:
    home = Home()
    stranger = home.world.join("none", CONFIG)
    for is_open in (False, True):
        if is_open:
            home.open_port()
        stranger.connect(home.outside, home.world.now, lambda line, error: None)
        home.world.run_for(CONFIG.dial_timeout_s + 1.0)
        line = stranger.lines.find(home.node.identity.node_id)
        assert (line is not None) is is_open
