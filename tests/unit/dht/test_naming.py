"""Whom a node names: what the asker can use, and itself where it leads into the other family."""

from __future__ import annotations

import pytest

from mesh99.dht.config import DhtConfig
from mesh99.dht.distance import number_of
from mesh99.dht.messages import CONTACTS_MAX, REPLY_BYTES_MAX, Nodes, encode_within
from mesh99.dht.naming import Naming
from mesh99.dht.reading import decode
from mesh99.dht.table import RoutingTable
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import IPV4, IPV6, Endpoint
from mesh99.wire.identity import PublicKey

OWN = PublicKey(bytes(32))
BOTH = IPV4 | IPV6
HOSTS = {IPV4: "198.51.{}.1", IPV6: "2600:1:{:x}::1"}
TARGET = number_of(OWN.node_id)


def _contact(family: int, number: int) -> Contact:
    endpoint = Endpoint("udp", HOSTS[family].format(number), 7400)
    return Contact(PublicKey(bytes((family, number)) * 16), endpoint)


def _table(family: int, count: int = 30) -> RoutingTable:
    table = RoutingTable(OWN.node_id, DhtConfig())
    for number in range(1, count + 1):
        table.verified(_contact(family, number), 0.0)
    return table


@pytest.fixture
def dual() -> Naming:
    naming = Naming(OWN, {IPV4: _table(IPV4), IPV6: _table(IPV6)}, 20)
    naming.here = lambda: [
        Endpoint("udp", host, 7400) for host in ("198.51.77.1", "2600::7", "127.0.0.1", "::1")
    ]
    return naming


def _families(contacts: list[Contact]) -> set[int]:
    return {contact.family for contact in contacts}


@pytest.mark.parametrize("family", [IPV4, IPV6])
def test_who_says_nothing_gets_the_family_that_it_asks_over(dual: Naming, family: int) -> None:
    named = dual.nearest(TARGET, _contact(family, 99))
    assert _families(named) == {family}
    assert len(named) == 20


@pytest.mark.parametrize("family", [IPV4, IPV6])
def test_who_asks_for_the_other_family_gets_it_and_us(dual: Naming, family: int) -> None:
    named = dual.nearest(TARGET, _contact(BOTH - family, 99), 8, family)
    assert _families(named) == {family}
    assert named[0].public_key == OWN


def test_who_asks_for_both_gets_as_many_of_each_in_one_datagram(dual: Naming) -> None:
    named = dual.nearest(TARGET, _contact(IPV4, 99), 13, BOTH)
    assert len(named) == 27
    data = encode_within(1, Nodes(bytes(8), named), REPLY_BYTES_MAX)
    assert data is not None
    _, reply = decode(data)
    assert isinstance(reply, Nodes)
    fitted = [contact.family for contact in reply.contacts]
    assert len(fitted) >= 22
    assert abs(fitted.count(IPV4) - fitted.count(IPV6)) <= 1


def test_more_than_a_message_may_hold_is_never_sent(dual: Naming) -> None:
    data = encode_within(
        1, Nodes(bytes(8), dual.nearest(TARGET, _contact(IPV4, 99), 0, BOTH)), REPLY_BYTES_MAX
    )
    assert data is not None
    _, reply = decode(data)
    assert isinstance(reply, Nodes)
    assert len(reply.contacts) <= CONTACTS_MAX


@pytest.mark.parametrize(("seen_at", "named_at"), [("127.0.0.1", "::1"), ("198.51.100.1", "2600::7")])
def test_we_are_named_where_the_asker_can_believe_it(dual: Naming, seen_at: str, named_at: str) -> None:
    asker = Contact(PublicKey(bytes(31) + b"\x01"), Endpoint("udp", seen_at, 7400))
    ourselves = [each for each in dual.nearest(TARGET, asker, 4, BOTH) if each.public_key == OWN]
    assert [contact.endpoint.host for contact in ourselves] == [named_at]


def test_a_node_of_one_family_has_nothing_for_those_of_the_other() -> None:
    naming = Naming(OWN, {IPV4: _table(IPV4)}, 20)
    asker = _contact(IPV4, 99)
    assert naming.nearest(TARGET, asker, 8, IPV6) == []
    assert naming.nearest(TARGET, asker, 8, BOTH) == naming.nearest(TARGET, asker, 8)


def test_families_that_nobody_knows_are_none(dual: Naming) -> None:
    assert dual.nearest(TARGET, _contact(IPV4, 99), 8, 4) == []
