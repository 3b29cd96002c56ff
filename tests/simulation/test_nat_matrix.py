"""Who is met directly and who through a relay, for each pair of boxes at a round trip of 80 ms."""

from __future__ import annotations

from itertools import combinations_with_replacement
from random import Random

import pytest
from nat_matrix import DIRECT, KINDS, NEEDS_TCP, NONE, RELAY, SEARCHED, expected

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.whereabouts import endpoints_of, relays_of
from mesh99.simulations.host import Host, public_endpoint_of
from mesh99.simulations.network.nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy
from mesh99.simulations.network.network import Network
from mesh99.simulations.population.overlay_config import relaying
from mesh99.simulations.scenario.schema import Latency, Links, Nat, Scenario
from mesh99.simulations.world import World
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint

ONE_WAY_S = 0.04
SETTLED_S = 12.0
"""Boxes are known and relays reserved by then."""

JUDGED_S = 10.0
FIRST_ANSWER_S_MAX = 0.35
"""A call goes through the relay with half a round trip more each way: 240 ms for question and answer."""

DIRECT_S_MAX = 0.5
SEARCHED_S_MAX = 6.0

INDEPENDENT, ADDRESS, PORT = Behaviour
BOXES: dict[str, NatBoxConfig | None] = {
    "none": None,
    # A firewall translates nothing; a box that keeps the port and has one host behind it is as good as one.
    "fw": NatBoxConfig(mapping=INDEPENDENT, filtering=PORT, ports=PortPolicy.PRESERVING),
    "full": NatBoxConfig(mapping=INDEPENDENT, filtering=INDEPENDENT, ports=PortPolicy.RANDOM),
    "addr": NatBoxConfig(mapping=INDEPENDENT, filtering=ADDRESS, ports=PortPolicy.RANDOM),
    "port": NatBoxConfig(mapping=INDEPENDENT, filtering=PORT, ports=PortPolicy.RANDOM),
    "sym": NatBoxConfig(mapping=PORT, filtering=PORT, ports=PortPolicy.RANDOM),
    "symseq": NatBoxConfig(mapping=PORT, filtering=PORT, ports=PortPolicy.SEQUENTIAL),
    "udpblock": NatBoxConfig(udp_blocked=True),
}


class Pair:
    """Three relays and two nodes behind boxes, who know the relays."""

    def __init__(self, *kinds: str) -> None:
        self.world = World(1)
        latency = Latency(model="fixed", one_way=ONE_WAY_S, jitter=0.0)  # type: ignore[arg-type]
        links = Links(loss=0.0)  # type: ignore[arg-type]
        self.network = Network(
            self.world, Scenario(name="pair", about="", latency=latency, links=links, nat=Nat())
        )
        config = OverlayConfig(checks_reach=True, aes=True)
        self.relays = [self._host(index, "none", relaying(config)) for index in (1, 2, 3)]
        self.caller, self.called = (
            self._host(index, kind, config) for index, kind in enumerate(kinds, start=4)
        )
        self.answered_s: float | None = None
        self.direct_s: float | None = None
        for host, kind in zip((self.caller, self.called), kinds, strict=True):
            for relay in self.relays:
                # Whose UDP is blocked calls the relays over TCP.
                others = [relay.endpoint._replace(transport="tcp")] if kind in NEEDS_TCP else []
                host.overlay.connect(relay.contact, self.world.now(), lambda line, error: None, *others)
            host.pump.kick()
        self.run(SETTLED_S)

    def run(self, seconds: float) -> None:
        self.world.run_until(self.world.now() + seconds)

    def meet(self) -> str:
        """Call and ask; return by which way the two are met ten seconds later."""
        called, overlay, now = self.called, self.called.overlay, self.world.now()
        key = called.identity.public_key
        first, *others = endpoints_of(overlay, called.endpoints)
        called.overlay.on_message = lambda line, message: overlay.send_message(
            line, message, self.world.now()
        )
        self.caller.overlay.on_message = lambda line, message: self._answered(now)
        self.caller.overlay.connect(
            Contact(key, first), now, self._connected, *others, relays=relays_of(overlay, now)
        )
        self.caller.pump.kick()
        while self.world.now() < now + JUDGED_S:
            self.run(0.02)
            if self.direct_s is None and self.ways == [DIRECT, DIRECT]:
                self.direct_s = self.world.now() - now
        ways = self.ways
        return ways[0] if ways[0] == ways[1] else NONE

    @property
    def ways(self) -> list[str]:
        """The ways that both have to each other."""
        return [
            self._way(self.caller, self.called),
            self._way(self.called, self.caller),
        ]

    def _way(self, host: Host, other: Host) -> str:
        line = host.overlay.lines.find(other.identity.node_id)
        return NONE if line is None else DIRECT if line.path_kind == "direct" else RELAY

    def _connected(self, line: Line | None, error: Exception | None) -> None:
        if line is not None:
            self.caller.overlay.send_message(line, b"question", self.world.now())

    def _answered(self, asked_at: float) -> None:
        self.answered_s = self.world.now() - asked_at

    def _host(self, index: int, kind: str, config: OverlayConfig) -> Host:
        made = BOXES[kind]
        box = None if made is None else NatBox(made, f"11.0.{index}.1", Random(index))
        self.network.place_behind(index, box)
        endpoint = public_endpoint_of(index) if box is None else Endpoint("udp", f"10.0.0.{index}", 7400)
        host = Host(self.world, self.network, index, config, endpoint=endpoint)
        host.start()
        return host


PAIRS = list(combinations_with_replacement(KINDS, 2))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_each_pair_is_met_by_the_way_that_its_boxes_allow(one: str, other: str) -> None:
    for kinds in dict.fromkeys(((one, other), (other, one))):
        pair = Pair(*kinds)
        assert pair.meet() == expected(one, other), kinds
        assert pair.answered_s is not None, kinds
        assert pair.answered_s <= FIRST_ANSWER_S_MAX, kinds
        if expected(one, other) == DIRECT:
            assert pair.direct_s is not None, kinds
            assert pair.direct_s <= (SEARCHED_S_MAX if set(kinds) in SEARCHED else DIRECT_S_MAX), kinds
