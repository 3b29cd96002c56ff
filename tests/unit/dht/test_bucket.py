import pytest

from mesh99.dht.bucket import KBucket
from mesh99.dht.entry import Entry


@pytest.fixture
def entries(make_contact) -> list[Entry]:
    return [Entry.of(make_contact(number), float(number)) for number in range(10)]


@pytest.fixture
def full(entries: list[Entry]) -> KBucket:
    bucket = KBucket(size=3, reserve_max=2)
    for entry in entries[:5]:
        assert bucket.add(entry) is None
    return bucket


def ids(entries: dict) -> list[int]:
    return [entry.number for entry in entries.values()]


def test_contacts_fill_the_bucket_then_the_reserve(full: KBucket) -> None:
    assert ids(full.entries) == [0, 1, 2]
    assert ids(full.reserve) == [3, 4]


def test_the_oldest_reserve_makes_room(full: KBucket, entries: list[Entry]) -> None:
    assert full.add(entries[5]) is entries[3]
    assert ids(full.reserve) == [4, 5]


def test_hearing_moves_to_the_tail_and_forgives(full: KBucket, entries: list[Entry]) -> None:
    entries[0].failures = 1
    assert full.heard(entries[0].contact.node_id, 9.0) is entries[0]
    assert ids(full.entries) == [1, 2, 0]
    assert entries[0].failures == 0
    assert entries[0].last_seen == 9.0
    full.heard(entries[3].contact.node_id, 9.0)
    assert ids(full.reserve) == [4, 3]
    assert full.heard(entries[9].contact.node_id, 9.0) is None


def test_a_leaving_member_is_replaced_by_the_newest_reserve(full: KBucket, entries: list[Entry]) -> None:
    assert full.remove(entries[1].contact.node_id) == (entries[1], entries[4])
    assert ids(full.entries) == [0, 2, 4]
    assert ids(full.reserve) == [3]


def test_a_leaving_reserve_is_not_replaced(full: KBucket, entries: list[Entry]) -> None:
    assert full.remove(entries[3].contact.node_id) == (entries[3], None)
    assert full.remove(entries[9].contact.node_id) == (None, None)
    assert ids(full.entries) == [0, 1, 2]
