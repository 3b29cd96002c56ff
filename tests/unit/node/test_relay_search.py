"""Relays from the DHT: for a node with too few peers that serve, spread, with pauses, and again after a loss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.relay.offer import CAPABILITY
from mesh99.nat.relay.reservations import ReservationConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.node_record import NodeRecord
from mesh99.wire.record import Record, capability_key
from tests.support.boxed_world import BoxedWorld
from tests.support.overlay_world import Call

QUIET = OverlayConfig(ask_once=True, quiet_idle_s=10.0, relay=RelayConfig(serve=False))
"""Questions leave no sessions behind, as in a large network."""
BOXED = replace(QUIET, checks_reach=True)
SERVING = replace(QUIET, relay=RelayConfig(serve=True))
KEY = capability_key(CAPABILITY)


class Network:
    """Open nodes, some of which relay and say so in the DHT, and one behind a symmetric box that met none."""

    def __init__(self, relays: int = 4, *, config: OverlayConfig = SERVING, kind: str = "sym") -> None:
        self.world = BoxedWorld()
        self.others = [self.world.join("none", QUIET) for _ in range(4)]
        self.relays = [self.world.join("none", config) for _ in range(relays)]
        self.known = [(self.world.contact_of(each), 100.0, 100.0) for each in self.others]
        for each in (*self.others, *self.relays):
            each.dht.remember(self.known, self.world.now)
        for relay in self.relays:
            self.announce(relay)
        self.world.run_for(3.0)
        self.node = self.world.join(kind, BOXED)
        self.node.dht.remember(self.known, self.world.now)
        for other in self.others[:3]:
            self.node.connect(self.world.contact_of(other), self.world.now, Call())

    def announce(self, relay: Overlay) -> None:
        def create(key: bytes, sequence: int) -> Record:
            return NodeRecord(
                public_key=relay.identity.public_key,
                endpoints=(self.world.endpoint_of(relay),),
                attributes=relay.relaying.server.offer.attributes(),
                sequence=sequence,
            ).to_record(relay.identity, key)

        relay.dht.publish_spread(KEY, relay.identity.node_id, create, self.world.now)

    def granted(self) -> list[Overlay]:
        held = self.node.relaying.reservations.granted(self.world.now)
        return [relay for relay in self.relays if relay.identity.node_id in held]

    def searches(self) -> int:
        """How often the node asked others what lies under the key of relays, by what it started."""
        return self.node.dht.turns.started


def test_a_node_that_strangers_do_not_reach_finds_relays_it_never_met() -> None:
    network = Network()
    network.world.run(lambda: len(network.granted()) == 2, timeout_s=15.0)
    assert {relay.relaying.server.reservations for relay in network.granted()} == {1}


def test_it_is_met_through_them() -> None:
    network = Network()
    network.world.run(lambda: len(network.granted()) == 2, timeout_s=15.0)
    caller, call = network.world.join("sym", BOXED), Call()
    relays = [network.world.contact_of(relay) for relay in network.granted()]
    caller.connect(network.world.contact_of(network.node), network.world.now, call, relays=relays)
    network.world.run(lambda: call.over, timeout_s=5.0)
    assert call.line is not None
    assert call.line.path_kind == "relay"


def test_another_is_found_when_one_goes_away() -> None:
    network = Network()
    network.world.run(lambda: len(network.granted()) == 2, timeout_s=15.0)
    gone = network.granted()[0]
    network.world.kill(gone)
    network.world.run(lambda: gone not in network.granted() and len(network.granted()) == 2, timeout_s=60.0)


def test_an_open_node_looks_for_none() -> None:
    network = Network(kind="none")
    network.world.run_for(60.0)
    assert network.granted() == []


def test_full_relays_and_those_that_refuse_are_left_alone() -> None:
    full = replace(SERVING, relay=RelayConfig(serve=True, reservations_max=1))
    network = Network(2, config=full)
    for relay in network.relays:
        relay.relaying.server.serves = False
    network.world.run_for(120.0)
    assert network.granted() == []
    refused = [
        relay.relaying.server.dropped["relay: no reservation, not serving"] for relay in network.relays
    ]
    assert 1 <= max(refused) <= 4, "asked at growing intervals"


@pytest.mark.parametrize("minutes", [10])
def test_without_any_relay_the_searches_become_rare(minutes: int) -> None:
    network = Network(0)
    network.world.run_for(20.0)
    config = ReservationConfig()
    before = network.node.dht.turns.started
    network.world.run_for(60.0 * minutes)
    assert network.node.relaying.reservations.are_few
    assert network.node.dht.turns.started - before <= 8 + 60.0 * minutes / config.search_s_max + 20
