"""Nodes behind boxes are listed while few are known whom strangers reach, and no longer."""

from __future__ import annotations

from random import Random

from mesh99.dht.config import DhtConfig
from mesh99.dht.table import RoutingTable
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity

CONFIG = DhtConfig(open_enough=3)
RANDOM = Random(5)


def contact(number: int, *, boxed: bool = False, of: Contact | None = None) -> Contact:
    key = of.public_key if of is not None else Identity(RANDOM.randbytes(32)).public_key
    return Contact(key, Endpoint("udp", f"20.0.{number}.1", 7400), boxed=boxed)


def table() -> RoutingTable:
    return RoutingTable(Identity(bytes(32)).node_id, CONFIG)


def test_boxed_nodes_are_listed_until_enough_others_are_known() -> None:
    known = table()
    boxed = [contact(number, boxed=True) for number in range(4)]
    assert all(known.verified(each, 0.0) for each in boxed)
    for number in range(10, 12):
        known.verified(contact(number), 1.0)
    assert len(known) == 6
    known.verified(contact(12), 2.0)
    assert len(known) == 3
    assert not any(each.node_id in known for each in boxed)
    assert not known.wants(boxed[0])
    assert not known.verified(boxed[0], 3.0)
    assert boxed[0].node_id not in known


def test_who_is_reached_by_strangers_after_all_counts_from_then_on() -> None:
    known = table()
    changed, other = contact(1, boxed=True), contact(2, boxed=True)
    for each in (changed, other, contact(3), contact(4)):
        known.verified(each, 0.0)
    known.verified(contact(1, of=changed), 1.0)
    assert changed.node_id in known
    assert other.node_id not in known


def test_who_is_boxed_after_all_leaves_where_others_are_enough() -> None:
    known = table()
    opened = [contact(number) for number in range(4)]
    for each in opened:
        known.verified(each, 0.0)
    known.verified(contact(0, of=opened[0], boxed=True), 1.0)
    assert opened[0].node_id not in known
    assert len(known) == 3


def test_a_few_open_ones_that_leave_make_room_for_boxed_ones_again() -> None:
    known = table()
    opened = [contact(number) for number in range(3)]
    for each in opened:
        known.verified(each, 0.0)
    boxed = contact(9, boxed=True)
    assert not known.wants(boxed)
    known.evict(opened[0].node_id)
    assert known.wants(boxed)
    assert known.verified(boxed, 1.0)
