"""Boxes that two nodes share, and boxes behind boxes: who meets directly, and who cannot."""

from __future__ import annotations

import pytest

from mesh99.simulations.network.nat_box import NatBox
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from tests.support.boxed_world import BoxedWorld
from tests.support.pairs import Pair

NOWHERE = Endpoint("udp", "192.168.77.77", 9)
"""An address that leads nowhere."""


def meet(pair: Pair) -> float:
    """Return after how long both ends are direct, seconds; fails when they are not in time."""
    started = pair.world.now
    pair.talk()
    pair.meet()
    pair.world.run(pair.is_direct, timeout_s=6.0)
    return pair.world.now - started


def stays_on_relay(pair: Pair) -> bool:
    pair.talk()
    pair.meet()
    pair.world.run_for(20.0)
    return pair.path(pair.caller, pair.called) == pair.path(pair.called, pair.caller) == "relay"


def one(kind: str, *, hairpin: bool) -> Pair:
    """Return two nodes in one network, behind one box."""

    def boxes(world: BoxedWorld) -> tuple[NatBox, NatBox]:
        box = world.box(kind, hairpin=hairpin)
        return box, box

    return Pair(boxes)


def isolated(kind: str, *, hairpin: bool) -> Pair:
    """Return the same where nothing gets from one to the other but through the box."""
    pair = one(kind, hairpin=hairpin)
    pair.world.rule = lambda packet, source, destination: (
        None if destination.host.startswith("192.168.") else packet
    )
    return pair


def carrier(outer: str, *, hairpin: bool) -> Pair:
    """Return two nodes behind boxes of their own, which are behind one of their carrier."""

    def boxes(world: BoxedWorld) -> tuple[NatBox, NatBox]:
        shared = world.box(outer, hairpin=hairpin)
        return world.box("port", shared), world.box("port", shared)

    return Pair(boxes)


def nested(outer: str, other: str, other_outer: str = "") -> Pair:
    """Return a node behind a carrier's box and one behind another box, or behind another carrier's."""

    def boxes(world: BoxedWorld) -> tuple[NatBox, NatBox]:
        behind = world.box(other_outer) if other_outer else None
        return world.box("port", world.box(outer)), world.box(other, behind)

    return Pair(boxes)


@pytest.mark.parametrize("kind", ["port", "sym", "symseq"])
@pytest.mark.parametrize("hairpin", [False, True])
def test_two_in_one_network_meet_at_their_own_addresses(kind: str, hairpin: bool) -> None:
    pair = one(kind, hairpin=hairpin)
    # A box that counts is spared the far-fetched: its node hears of the address over the line.
    assert meet(pair) <= (0.37 if kind == "symseq" else 0.32)
    line = pair.caller.lines.find(pair.called.identity.node_id)
    assert line is not None
    assert line.session.path == pair.world.endpoint_of(pair.called)


@pytest.mark.parametrize("kind", ["port", "sym"])
def test_they_tell_each_other_their_addresses_when_the_record_does_not(kind: str) -> None:
    pair = one(kind, hairpin=False)
    contact, relays = Contact(pair.called.identity.public_key, NOWHERE), [pair.world.contact_of(pair.relay)]
    started = pair.world.now
    pair.caller.connect(contact, started, lambda line, error: None, relays=relays)
    pair.world.run(pair.is_direct, timeout_s=1.0)
    assert pair.world.now - started <= 0.4


def test_a_network_that_keeps_its_machines_apart_is_left_through_the_box_where_that_turns_around() -> None:
    assert meet(isolated("port", hairpin=True)) <= 0.32
    assert stays_on_relay(isolated("port", hairpin=False))


def test_two_behind_one_carrier_meet_where_its_box_turns_around() -> None:
    assert meet(carrier("port", hairpin=True)) <= 0.32
    assert stays_on_relay(carrier("port", hairpin=False))
    assert stays_on_relay(carrier("sym", hairpin=True))


@pytest.mark.parametrize("other", ["full", "addr", "port"])
def test_a_box_behind_a_carriers_is_like_the_carriers(other: str) -> None:
    assert meet(nested("port", other)) <= 0.32


def test_two_carriers_of_easy_boxes_are_easy() -> None:
    assert meet(nested("port", "port", "port")) <= 0.32


def test_a_hard_carrier_is_left_by_plain_knocks_or_by_a_search() -> None:
    assert meet(nested("sym", "addr")) <= 0.32
    assert meet(nested("sym", "port")) <= 3.0


def test_two_hard_carriers_are_left_to_the_relay() -> None:
    assert stays_on_relay(nested("sym", "port", "sym"))
