"""One result out of those of two address families."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.dht.gathering import gather_holders, gather_nodes, gather_values
from mesh99.dht.get import Found, GetResult
from mesh99.dht.put import PutResult
from mesh99.dht.search import LookupResult
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity, PublicKey
from mesh99.wire.record import Record, value_key

OWNERS = [Identity(bytes((seed,)) * 32) for seed in (1, 2)]
KEY = value_key("colour")


def _contact(number: int, host: str = "192.0.2.1") -> Contact:
    return Contact(PublicKey(bytes((number,)) * 32), Endpoint("udp", host, 7400))


def _found(owner: int, value: bytes, sequence: int = 1) -> Found:
    return Found(Record.create(OWNERS[owner], KEY, value, sequence=sequence, ttl_s=60), 0.0)


def _got(*found: Found, source: Contact | None = None) -> GetResult:
    return GetResult([each.record for each in found if each.record.value], source, 2, [], found)


class Told:
    def __init__(self) -> None:
        self.results: list[Any] = []

    def __call__(self, result: Any, now: float) -> None:
        self.results.append(result)


@pytest.fixture
def told() -> Told:
    return Told()


def test_one_family_needs_no_gathering(told: Told) -> None:
    assert gather_holders(1, told) is told


def test_the_nearest_of_both_are_in_order_and_named_once(told: Told) -> None:
    contacts = sorted([_contact(number) for number in range(1, 6)], key=lambda contact: contact.number)
    again = Contact(contacts[1].public_key, Endpoint("udp", "2600::1", 7400))
    take = gather_nodes(2, 0, 3, told)
    take(LookupResult([contacts[1], contacts[4]], [], 2), 1.0)
    assert told.results == []
    take(LookupResult([contacts[0], again, contacts[3]], [], 3), 2.0)
    assert told.results == [LookupResult([contacts[0], contacts[1], contacts[3]], [], 3)]


def test_a_family_that_had_to_find_more_is_not_cut_short(told: Told) -> None:
    contacts = sorted([_contact(number) for number in range(1, 6)], key=lambda contact: contact.number)
    take = gather_nodes(2, 0, 1, told)
    take(LookupResult([contacts[4]], [], 1), 1.0)
    take(LookupResult([contacts[0], contacts[2]], [], 1), 2.0)
    assert told.results[0].contacts == [contacts[0], contacts[2]]


def test_the_first_record_ends_a_get_of_one(told: Told) -> None:
    take = gather_values(2, None, 1, told)
    take(_got(_found(0, b"blue"), source=_contact(1)), 1.0)
    take(_got(_found(0, b"red", 2)), 2.0)
    assert [result.records[0].value for result in told.results] == [b"blue"]


def test_a_get_that_found_nothing_waits_for_the_other_family(told: Told) -> None:
    take = gather_values(2, None, 1, told)
    take(_got(), 1.0)
    assert told.results == []
    take(_got(_found(0, b"blue"), source=_contact(1)), 2.0)
    assert [result.source for result in told.results] == [_contact(1)]


def test_a_tombstone_of_the_owner_asked_for_ends_a_get(told: Told) -> None:
    take = gather_values(2, OWNERS[0].public_key, 1, told)
    take(_got(_found(0, b"")), 1.0)
    assert [result.records for result in told.results] == [[]]


def test_of_several_records_the_latest_of_each_owner_count(told: Told) -> None:
    take = gather_values(2, None, 5, told)
    take(_got(_found(0, b"old"), _found(1, b"other")), 1.0)
    take(_got(_found(0, b"new", 2)), 2.0)
    assert [{record.value for record in result.records} for result in told.results] == [{b"new", b"other"}]


def test_holders_of_both_count_once(told: Told) -> None:
    ids = [_contact(number).node_id for number in (1, 2, 3)]
    take = gather_holders(2, told)
    take(PutResult([ids[0], ids[1]], 4, []), 1.0)
    take(PutResult([ids[1], ids[2]], 7, []), 2.0)
    assert told.results == [PutResult(ids, 7, [])]
