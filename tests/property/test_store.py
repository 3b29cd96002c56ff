"""The record store against a model on one plain list, and lives that no chain of copies prolongs."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh99.dht import DhtConfig, Outcome
from mesh99.dht.store import Held, RecordStore
from mesh99.wire.crypto import REAL
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import Record

OWN = NodeId(b"\x5a" * 32)
OWNERS = [Identity(bytes([number]) * 32) for number in range(1, 4)]
KEYS = [bytes([first]) * 32 for first in (0x5A, 0x50, 0xA5)] + [bytes(OWNERS[0].node_id)]
VALUES = [b"", b"v", b"w", bytes(300)]


class Put(NamedTuple):
    """A record and the age it is said to have."""

    owner: int
    key: int
    sequence: int
    ttl_s: int
    value: int
    forged: bool
    age_s: int


@cache
def record_of(put: Put) -> Record:
    """Return the same record for the same words: what comes again is a replay."""
    record = Record.create(
        OWNERS[put.owner], KEYS[put.key], VALUES[put.value], sequence=put.sequence, ttl_s=put.ttl_s
    )
    if put.forged:
        signature = record.signature[:-1] + bytes([record.signature[-1] ^ 1])
        return Record(record.key, record.owner, record.sequence, record.ttl_s, record.value, signature)
    return record


class Line(NamedTuple):
    """One record of the model and when its life began and ends."""

    record: Record
    born_at: float
    ends_at: float


class NaiveStore:
    """The rules of the store, each by looking at everything there is; the latest arrival is last."""

    def __init__(self, config: DhtConfig) -> None:
        self.config = config
        self.lines: list[Line] = []
        self.news: list[Record] = []

    def put(self, put: Put, now: float) -> Outcome:
        self.pass_time(now)
        record = record_of(put)
        life_s = min(put.ttl_s, self.config.record_ttl_s_max) - put.age_s
        if life_s <= 0:
            return Outcome.EXPIRED
        before = [
            line.record
            for line in self.lines
            if (line.record.key, line.record.owner) == (record.key, record.owner)
        ]
        if before and before[0].sequence >= record.sequence:
            return Outcome.STORED if before[0].encode() == record.encode() else Outcome.OLD_SEQUENCE
        refusal = None if before else self.refusal(record)
        if refusal is not None:
            return refusal
        if put.forged:
            return Outcome.BAD_SIGNATURE
        self.lines = [line for line in self.lines if line.record not in before]
        self.lines.append(Line(record, now - put.age_s, now + life_s))
        self.news.append(record)
        while self.too_much(self.lines):
            farthest = self.by_distance()[-1]
            self.lines.remove(next(line for line in self.lines if line.record.key == farthest))
        return Outcome.STORED

    def refusal(self, record: Record) -> Outcome | None:
        of_owner = [line for line in self.lines if line.record.owner == record.owner]
        of_key = [line for line in self.lines if line.record.key == record.key]
        own_place = NodeId.of(record.owner) == record.key
        if len(of_owner) == self.config.records_per_owner_max:
            return Outcome.OWNER_QUOTA
        if len(of_key) >= self.config.records_per_key_max and not own_place:
            return Outcome.KEY_FULL
        if (
            self.too_much([*self.lines, Line(record, 0, 0)])
            and record.key in self.by_distance(record.key)[-1:]
        ):
            return Outcome.STORE_FULL
        return None

    def by_distance(self, *more: bytes) -> list[bytes]:
        keys = {line.record.key for line in self.lines} | set(more)
        return sorted(keys, key=lambda key: bytes(a ^ b for a, b in zip(key, OWN, strict=True)))

    def too_much(self, lines: list[Line]) -> bool:
        size = sum(len(line.record.encode()) for line in lines)
        return len(lines) > self.config.records_max or size > self.config.record_bytes_max

    def pass_time(self, now: float) -> None:
        self.lines = [line for line in self.lines if line.ends_at > now]

    def get(self, key: bytes, owner: bytes = b"") -> list[Line]:
        return [
            line
            for line in reversed(self.lines)
            if line.record.key == key and owner in (b"", line.record.owner)
        ]


puts = st.builds(
    Put,
    owner=st.integers(0, len(OWNERS) - 1),
    key=st.integers(0, len(KEYS) - 1),
    sequence=st.integers(0, 3),
    ttl_s=st.sampled_from([0, 3, 10, 30, 30]),
    value=st.integers(0, len(VALUES) - 1),
    forged=st.sampled_from([False, False, False, False, True]),
    age_s=st.sampled_from([0, 0, 0, 0, 2, 12]),
)
waits_s = st.integers(1, 20).map(lambda halves: halves / 2)
configs = st.builds(
    DhtConfig,
    records_max=st.sampled_from([1, 2, 3, 4, 99]),
    record_bytes_max=st.sampled_from([500, 9999, 9999]),
    records_per_key_max=st.sampled_from([1, 2, 99, 99]),
    records_per_owner_max=st.sampled_from([1, 2, 99, 99]),
    record_ttl_s_max=st.sampled_from([8, 99]),
)


def lines_of(held: list[Held]) -> list[Line]:
    return [Line(each.record, each.born_at, each.expires_at) for each in held]


@settings(max_examples=400, deadline=None)
@given(config=configs, steps=st.lists(puts | puts | waits_s, min_size=20, max_size=60))
def test_a_store_follows_its_rules(config: DhtConfig, steps: list[Put | float]) -> None:
    store, model, now = RecordStore(OWN, config, REAL), NaiveStore(config), 0.0
    news: list[Record] = []
    store.on_new = lambda held, then: news.append(held.record)
    for step in steps:
        if isinstance(step, Put):
            assert store.put(record_of(step), now, step.age_s) is model.put(step, now)
        else:
            now += step
            model.pass_time(now)
        for key in KEYS:
            assert lines_of(store.get(key, now)) == model.get(key)
        for owner in OWNERS:
            assert lines_of(store.get(KEYS[0], now, owner.public_key)) == model.get(KEYS[0], owner.public_key)
        assert store.size == len(store) == len(list(store)) == len(model.lines)
        assert store.bytes == sum(len(line.record.encode()) for line in model.lines)
        assert dict(store.by_key()).keys() == {line.record.key for line in model.lines}
        ends = [line.ends_at for line in model.lines]
        assert not ends or (store.next_expiry() or 0.0) <= min(ends)
        assert news == model.news


@given(
    ttl_s=st.integers(1, 30),
    age_s=st.integers(0, 29),
    waits_s=st.lists(st.integers(0, 48).map(lambda eighths: eighths / 8), min_size=1, max_size=8),
)
def test_no_chain_of_copies_prolongs_a_life(ttl_s: int, age_s: int, waits_s: list[float]) -> None:
    record, now, first_age_s = record_of(Put(0, 0, 1, ttl_s, 1, False, 0)), 0.0, age_s
    for wait_s in waits_s:
        store = RecordStore(OWN, DhtConfig(), REAL)
        outcome = store.put(record, now, age_s)
        assert outcome is (Outcome.STORED if age_s < ttl_s else Outcome.EXPIRED)
        now += wait_s
        held = store.find(record.key, record.owner)
        if held is None:
            break
        age_s = held.age_s(now)
        assert age_s >= first_age_s + now
