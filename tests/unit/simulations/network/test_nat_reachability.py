"""Who can reach whom through boxes: the classical matrix, carriers, hairpins, a box that changes its address."""

from __future__ import annotations

from itertools import combinations_with_replacement
from random import Random
from typing import Any

import pytest
from network_world import NetworkWorld, Peer

from mesh99.simulations.network.nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy
from mesh99.simulations.network.nat_mix import KINDS
from mesh99.simulations.scenario.schema import Nat
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError

PUBLIC, BLOCKED = "public", "udp_blocked"
FULL, ADDRESS, PORT = "endpoint_independent", "address_restricted", "port_restricted"
HARD = ("symmetric", "symmetric_sequential")
TYPES = (PUBLIC, FULL, ADDRESS, PORT, *HARD, BLOCKED)


def nat(kind: str, number: int, behind: NatBox | None = None, **config: Any) -> NatBox:
    mapping, filtering, ports = KINDS[kind]
    told = NatBoxConfig(
        mapping=mapping, filtering=filtering, ports=ports, udp_blocked=kind == BLOCKED, **config
    )
    return NatBox(told, f"11.0.0.{number}", Random(number), behind)


class Boxes(NetworkWorld):
    """Host 1 is a public server that tells who it hears where they are seen."""

    def __init__(self, boxes: dict[int, NatBox | None], count: int = 3) -> None:
        super().__init__()
        for index, box in boxes.items():
            self.network.place_behind(index, box)
        self.server, *self.others = self.peers(count)

    def observed(self, peer: Peer) -> Endpoint | None:
        """Return where the server sees a host; None when it cannot hear it."""
        before = len(self.server.received)
        peer.send(b"where am I", self.server)
        self.run(1.0)
        return self.server.received[-1][2] if len(self.server.received) > before else None


def connects(first: str, second: str) -> bool:
    """Tell whether two hosts hear each other when both send to where the other was seen, a few times."""
    boxes = {2 + i: None if kind == PUBLIC else nat(kind, 2 + i) for i, kind in enumerate((first, second))}
    world = Boxes(boxes)
    a, b = world.others
    seen_a, seen_b = world.observed(a), world.observed(b)
    if seen_a is None or seen_b is None:
        return False
    for _ in range(3):
        # Each also answers to where packets came from, as a puncher does.
        to_b = [source for _, packet, source in a.received] or [seen_b]
        to_a = [source for _, packet, source in b.received] or [seen_a]
        a.send(b"punch", to_b[-1])
        b.send(b"punch", to_a[-1])
        world.run(1.0)
    return b"punch" in a.packets and b"punch" in b.packets


def expected(first: str, second: str) -> bool:
    """Say what RFC 5128 says: a mapping that changes with the destination fails where the filter looks at the port."""
    kinds = {first, second}
    if BLOCKED in kinds:
        return False
    hard = [kind in HARD for kind in (first, second)]
    return not all(hard) and not (any(hard) and PORT in kinds)


@pytest.mark.parametrize(("first", "second"), list(combinations_with_replacement(TYPES, 2)))
def test_the_matrix_of_hole_punching(first: str, second: str) -> None:
    assert connects(first, second) == connects(second, first) == expected(first, second)


def test_without_a_packet_out_only_public_hosts_are_reached() -> None:
    for kind in TYPES:
        world = Boxes({2: None if kind == PUBLIC else nat(kind, 2)}, count=2)
        [peer] = world.others
        world.server.send(b"hello", peer)
        world.server.send(b"hello", Endpoint("udp", "11.0.0.2", 7400))
        world.run(1.0)
        assert bool(peer.received) == (kind == PUBLIC)


def test_a_full_cone_is_reached_by_strangers_once_it_has_a_mapping() -> None:
    for kind, reached in ((FULL, True), (ADDRESS, False), (PORT, False)):
        world = Boxes({2: nat(kind, 2)})
        peer, stranger = world.others
        seen = world.observed(peer)
        assert seen is not None
        stranger.send(b"hello", seen)
        world.run(1.0)
        assert peer.packets == ([b"hello"] if reached else [])
        assert world.network.lost == ({} if reached else {"nat": 1})


def test_filters_are_asked_when_a_packet_arrives() -> None:
    world = Boxes({2: nat(PORT, 2), 3: nat(PORT, 3)})
    a, b = world.others
    seen_a, seen_b = world.observed(a), world.observed(b)
    assert seen_a is not None
    assert seen_b is not None
    a.send(b"first", seen_b)
    world.run(0.04)
    b.send(b"opens the filter before the first arrives", seen_a)
    world.run(1.0)
    assert b.packets == [b"first"]


def test_machines_behind_one_box_reach_each_other_directly() -> None:
    shared = nat(PORT, 2)
    world = Boxes({2: shared, 3: shared})
    a, b = world.others
    a.send(b"neighbour", b)
    world.run(0.01)
    assert [(packet, source) for _, packet, source in b.received] == [(b"neighbour", a.endpoint)]
    assert shared.mappings == 0


@pytest.mark.parametrize("hairpin", [False, True])
def test_hairpin(hairpin: bool) -> None:
    shared = nat(FULL, 2, hairpin=hairpin)
    world = Boxes({2: shared, 3: shared})
    a, b = world.others
    seen_a, seen_b = world.observed(a), world.observed(b)
    assert seen_b is not None
    a.send(b"around", seen_b)
    world.run(1.0)
    assert [(packet, source) for _, packet, source in b.received] == (
        [(b"around", seen_a)] if hairpin else []
    )


def test_homes_behind_a_carrier_share_an_address() -> None:
    carrier = NatBox(NatBoxConfig(ports=PortPolicy.RANDOM, hairpin=True), "12.0.0.1", Random(1))
    world = Boxes({2: nat(PORT, 2, carrier), 3: nat(PORT, 3, carrier)})
    a, b = world.others
    seen_a, seen_b = world.observed(a), world.observed(b)
    assert seen_a is not None
    assert seen_b is not None
    assert seen_a.host == seen_b.host == "12.0.0.1"
    assert seen_a.port != seen_b.port
    world.server.send(b"down through both", seen_a)
    a.send(b"punch", seen_b)
    b.send(b"punch", seen_a)
    world.run(1.0)
    assert a.packets == [b"punch", b"down through both"]
    assert b.packets == [b"punch"]
    assert world.network.delay_s(1, 2) == world.network.delay_s(1, 3) == 0.05


def test_a_rebooted_box_and_one_with_another_address_lose_their_mappings() -> None:
    box = nat(FULL, 2)
    world = Boxes({2: box})
    peer, stranger = world.others
    before = world.observed(peer)
    assert before is not None
    box.reboot()
    stranger.send(b"too late", before)
    world.run(1.0)
    again = world.observed(peer)
    world.network.readdress(box, "11.9.9.9")
    moved = world.observed(peer)
    assert moved is not None
    assert again == before
    assert moved.host == "11.9.9.9"
    stranger.send(b"to the old", before)
    stranger.send(b"to the new", moved)
    world.run(1.0)
    assert peer.packets == [b"to the new"]


def test_two_boxes_cannot_have_one_address() -> None:
    world = Boxes({2: nat(FULL, 2)})
    with pytest.raises(ConfigError):
        world.network.place_behind(3, nat(FULL, 2))
    with pytest.raises(ConfigError):
        world.network.readdress(world.network.box_of(2) or nat(FULL, 9), "11.0.0.2")


def test_a_scenario_s_shares_place_the_hosts() -> None:
    shares = Nat(endpoint_independent=0.2, port_restricted=0.3, symmetric=0.1, carrier_grade=0.5)  # type: ignore[arg-type]
    world = NetworkWorld(nat=shares)
    world.network.place_behind(1, None)
    world.peers(1000)
    boxes = [world.network.box_of(index) for index in range(1, 1001)]
    assert boxes[0] is None
    kinds = [box and (box.config.mapping, box.config.filtering) for box in boxes]
    apd = Behaviour.ADDRESS_AND_PORT_DEPENDENT
    assert kinds.count(None) == pytest.approx(400, rel=0.15)
    assert kinds.count((Behaviour.ENDPOINT_INDEPENDENT, apd)) == pytest.approx(300, rel=0.15)
    assert kinds.count((apd, apd)) == pytest.approx(100, rel=0.3)
    carriers = [box.behind for box in boxes if box is not None and box.behind is not None]
    assert len(carriers) == pytest.approx(300, rel=0.15)
    assert len(dict.fromkeys(id(carrier) for carrier in carriers)) == -(-len(carriers) // 64)
