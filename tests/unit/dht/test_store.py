from mesh99.dht import DhtConfig, Outcome
from mesh99.dht.store import RecordStore
from mesh99.wire.crypto import REAL
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import Record, node_key

OWN = NodeId(bytes(32))
ALICE, BOB, CAROL = (Identity(bytes([number]) * 32) for number in (1, 2, 3))
KEY = b"\x10" + bytes(31)
HERE, THERE = b"\x08\x08\x04", b"\x08\x08\x08"


def record(
    owner: Identity = ALICE, key: bytes = KEY, sequence: int = 1, ttl_s: int = 100, value: bytes = b"v"
) -> Record:
    return Record.create(owner, key, value, sequence=sequence, ttl_s=ttl_s)


def store(**limits: int) -> RecordStore:
    return RecordStore(OWN, DhtConfig(**limits), REAL)


def values(held) -> list[bytes]:
    return [each.record.value for each in held]


def test_records_of_many_owners_share_a_key_newest_first() -> None:
    records = store()
    assert records.put(record(ALICE, value=b"a"), 0.0) is Outcome.STORED
    assert records.put(record(BOB, value=b"b"), 1.0) is Outcome.STORED
    assert values(records.get(KEY, 1.0)) == [b"b", b"a"]
    assert values(records.get(KEY, 1.0, ALICE.public_key)) == [b"a"]
    assert records.get(KEY, 1.0, CAROL.public_key) == []
    assert records.get(bytes(32), 1.0) == []
    assert records.put(record(ALICE, sequence=2, value=b"c"), 2.0) is Outcome.STORED
    assert values(records.get(KEY, 2.0)) == [b"c", b"b"]
    assert len(records) == 2


def test_lower_sequences_are_refused_and_equal_ones_change_nothing() -> None:
    records = store()
    records.put(record(sequence=2, ttl_s=100), 0.0)
    assert records.put(record(sequence=1), 1.0) is Outcome.OLD_SEQUENCE
    assert records.put(record(sequence=2, value=b"other"), 1.0) is Outcome.OLD_SEQUENCE
    assert records.put(record(sequence=2, ttl_s=100), 50.0) is Outcome.STORED
    assert values(records.get(KEY, 99.9)) == [b"v"]
    assert records.get(KEY, 100.0) == [], "storing it again did not prolong its life"


def test_life_counts_from_receipt_less_the_age() -> None:
    records = store()
    records.put(record(ttl_s=100), 10.0, age_s=40)
    (held,) = records.get(KEY, 10.5)
    assert held.age_s(10.5) == 41, "rounded up"
    assert records.next_expiry() == 70.0
    records.expire(70.0)
    assert len(records) == 0
    assert records.bytes == 0
    assert records.put(record(ttl_s=100), 80.0, age_s=100) is Outcome.EXPIRED


def test_life_is_capped() -> None:
    records = store(record_ttl_s_max=50)
    records.put(record(ttl_s=10_000), 0.0)
    assert records.next_expiry() == 50.0


def test_forged_records_are_refused() -> None:
    good = record()
    forged = Record(good.key, good.owner, 2, good.ttl_s, good.value, good.signature)
    assert store().put(forged, 0.0) is Outcome.BAD_SIGNATURE


def test_forged_records_evict_nothing() -> None:
    records = store(records_max=1)
    records.put(record(key=b"\xff" * 32), 0.0)
    good = record(key=bytes(32))
    forged = Record(good.key, good.owner, 2, good.ttl_s, good.value, good.signature)
    assert records.put(forged, 0.0) is Outcome.BAD_SIGNATURE
    assert len(records) == 1


def test_a_full_store_keeps_what_is_nearest() -> None:
    records = store(records_max=2)
    assert records.put(record(key=b"\x20" * 32), 0.0) is Outcome.STORED
    assert records.put(record(key=b"\x30" * 32), 0.0) is Outcome.STORED
    assert records.put(record(key=b"\x40" * 32), 0.0) is Outcome.STORE_FULL
    assert records.put(record(key=b"\x10" * 32), 0.0) is Outcome.STORED
    assert records.get(b"\x30" * 32, 0.0) == []
    assert len(records) == 2


def test_bytes_are_bounded() -> None:
    records = store(record_bytes_max=2000)
    records.put(record(key=b"\x20" * 32, value=bytes(800)), 0.0)
    records.put(record(key=b"\x30" * 32, value=bytes(800)), 0.0)
    records.put(record(key=b"\x10" * 32, value=bytes(800)), 0.0)
    records.put(record(key=b"\x10" * 32, value=bytes(850), sequence=2), 0.0)
    assert records.bytes <= 2000
    assert values(records.get(b"\x10" * 32, 0.0)) == [bytes(850)]


def test_owners_per_key_are_bounded_but_a_node_id_has_room_for_its_owner() -> None:
    records = store(records_per_key_max=2)
    key = node_key(CAROL.node_id)
    assert records.put(record(ALICE, key), 0.0) is Outcome.STORED
    assert records.put(record(BOB, key), 0.0) is Outcome.STORED
    assert records.put(record(Identity(b"\x09" * 32), key), 0.0) is Outcome.KEY_FULL
    assert records.put(record(CAROL, key), 0.0) is Outcome.STORED
    assert records.put(record(ALICE, key, sequence=2), 0.0) is Outcome.STORED, "an update needs no room"


def test_records_per_owner_are_bounded() -> None:
    records = store(records_per_owner_max=2)
    assert [records.put(record(key=bytes([n]) * 32), 0.0) for n in range(3)] == [
        Outcome.STORED,
        Outcome.STORED,
        Outcome.OWNER_QUOTA,
    ]
    records.expire(100.0)
    assert records.put(record(key=bytes([3]) * 32), 100.0) is Outcome.STORED


def test_records_from_a_subnet_are_bounded_whoever_owns_them() -> None:
    records = store(records_per_subnet_max=2)
    content = Record.of_content(b"anything", ttl_s=100)
    assert [
        records.put(record(ALICE), 0.0, subnet=HERE),
        records.put(record(BOB), 0.0, subnet=HERE),
        records.put(record(CAROL), 0.0, subnet=HERE),
        records.put(content, 0.0, subnet=HERE),
        records.put(record(CAROL), 0.0, subnet=THERE),
        records.put(content, 0.0),
        records.put(record(CAROL, bytes(32)), 0.0),
    ] == [Outcome.STORED] * 2 + [Outcome.SUBNET_QUOTA] * 2 + [Outcome.STORED] * 3
    records.expire(100.0)
    assert records.put(record(CAROL), 100.0, subnet=HERE) is Outcome.STORED


def test_a_subnet_with_its_part_pushes_nothing_out_however_near_a_key_is() -> None:
    records = store(records_max=2, records_per_subnet_max=1)
    records.put(record(key=b"\x30" * 32), 0.0, subnet=HERE)
    records.put(record(key=b"\x40" * 32), 0.0, subnet=THERE)
    assert records.put(record(BOB, bytes(32)), 0.0, subnet=HERE) is Outcome.SUBNET_QUOTA
    assert records.put(record(BOB, bytes(32)), 0.0, subnet=b"\x01\x01\x01") is Outcome.STORED
    assert records.put(record(CAROL, bytes(32)), 0.0, subnet=THERE) is Outcome.STORED, "it was pushed out"


def test_a_renewal_counts_to_who_brought_it_where_there_is_room_and_is_never_refused() -> None:
    records = store(records_per_subnet_max=1)
    records.put(record(ALICE), 0.0, subnet=HERE)
    assert records.put(record(ALICE, sequence=2), 1.0, subnet=THERE) is Outcome.STORED
    assert records.put(record(BOB), 1.0, subnet=HERE) is Outcome.STORED, "it has moved"
    assert records.put(record(BOB, sequence=2), 2.0, subnet=THERE) is Outcome.STORED
    assert records.put(record(CAROL), 2.0, subnet=HERE) is Outcome.SUBNET_QUOTA, "it had to stay"


def test_a_copy_that_is_no_news_moves_no_record_to_another_subnet() -> None:
    records = store(records_per_subnet_max=1)
    records.put(record(ALICE), 0.0, subnet=HERE)
    assert records.put(record(ALICE), 1.0, subnet=THERE) is Outcome.STORED
    assert records.put(record(BOB), 1.0, subnet=HERE) is Outcome.SUBNET_QUOTA
    assert records.put(record(BOB), 1.0, subnet=THERE) is Outcome.STORED


def test_replaced_records_do_not_pile_up_in_the_expiry_heap() -> None:
    records = store()
    for sequence in range(1, 500):
        records.put(record(sequence=sequence), 0.0)
    assert len(records) == 1
    assert len(records._expiries) <= 2 * len(records) + 65


def test_by_key_names_every_record_once() -> None:
    records = store()
    records.put(record(ALICE), 0.0)
    records.put(record(BOB), 0.0)
    records.put(record(ALICE, bytes(32)), 0.0)
    assert [(key, len(held)) for key, held in records.by_key()] == [(KEY, 2), (bytes(32), 1)]


def test_no_copy_changes_a_life_whatever_age_it_claims() -> None:
    records = store()
    records.put(record(ttl_s=100), 0.0)
    for claimed_s in (0, 50, 99, 100, 2**32 - 1):
        records.put(record(ttl_s=100), 20.0, age_s=claimed_s)
        (held,) = records.get(KEY, 20.0)
        assert held.expires_at == 100.0
