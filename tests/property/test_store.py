"""The record store against a model on one plain list, and lives that no chain of copies prolongs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh99.dht import DhtConfig, Outcome
from mesh99.dht.store import Held, RecordStore
from mesh99.wire.crypto import REAL
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import Record, content_key

OWN = NodeId(b"\x5a" * 32)
OWNERS = [Identity(bytes([number]) * 32) for number in range(1, 4)]
VALUES = [b"", b"v", b"w", bytes(300)]
CONTENT_KEYS = [content_key(value) for value in VALUES[1:3]]
KEYS = [*(bytes([first]) * 32 for first in (0x5A, 0x50, 0xA5)), bytes(OWNERS[0].node_id), *CONTENT_KEYS]
NOBODY = -1


class Put(NamedTuple):
    """A record, the age it is said to have and where it came from; of NOBODY it is content.

    Content is forged by giving it another key.
    """

    owner: int
    key: int
    sequence: int
    ttl_s: int
    value: int
    forged: bool
    age_s: int
    subnet: bytes | None = None


def record_of(put: Put) -> Record:
    """Return the same record for the same words, wherever it comes from: what comes again is a replay."""
    return written(put._replace(subnet=None))


@cache
def written(put: Put) -> Record:
    if put.owner == NOBODY:
        record = Record.of_content(VALUES[put.value], ttl_s=put.ttl_s)
        return replace(record, key=CONTENT_KEYS[put.value % 2]) if put.forged else record
    record = Record.create(
        OWNERS[put.owner], KEYS[put.key], VALUES[put.value], sequence=put.sequence, ttl_s=put.ttl_s
    )
    if put.forged:
        return replace(record, signature=record.signature[:-1] + bytes([record.signature[-1] ^ 1]))
    return record


class Line(NamedTuple):
    """One record of the model and when its life began and ends."""

    record: Record
    born_at: float
    ends_at: float
    subnet: bytes | None


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
        if put.owner == NOBODY:
            return self.put_content(put, now, life_s)
        before = [
            line for line in self.lines if (line.record.key, line.record.owner) == (record.key, record.owner)
        ]
        if before and before[0].record.sequence >= record.sequence:
            known = before[0].record.encode() == record.encode()
            return Outcome.STORED if known else Outcome.OLD_SEQUENCE
        refusal = None if before else self.refusal(record, put.subnet)
        if refusal is not None:
            return refusal
        if put.forged:
            return Outcome.BAD_SIGNATURE
        self.replace(before, Line(record, now - put.age_s, now + life_s, put.subnet))
        return Outcome.STORED

    def put_content(self, put: Put, now: float, life_s: float) -> Outcome:
        record = record_of(put)
        before = [
            line for line in self.lines if line.record.key == record.key and line.record.owner == bytes(32)
        ]
        if not before and self.has_its_part(put.subnet):
            return Outcome.SUBNET_QUOTA
        if not before and self.too_far_for(record):
            return Outcome.STORE_FULL
        if put.forged:
            return Outcome.WRONG_CONTENT
        if before and before[0].ends_at >= now + life_s:
            return Outcome.STORED
        self.replace(before, Line(record, now - put.age_s, now + life_s, put.subnet))
        return Outcome.STORED

    def replace(self, before: list[Line], line: Line) -> None:
        if before and self.has_its_part(line.subnet):
            line = line._replace(subnet=before[0].subnet)
        self.lines = [other for other in self.lines if other not in before]
        self.lines.append(line)
        self.news.append(line.record)
        while self.too_much(self.lines):
            farthest = self.by_distance()[-1]
            self.lines.remove(next(line for line in self.lines if line.record.key == farthest))

    def has_its_part(self, subnet: bytes | None) -> bool:
        of_subnet = [line for line in self.lines if line.subnet == subnet is not None]
        return len(of_subnet) >= self.config.records_per_subnet_max

    def refusal(self, record: Record, subnet: bytes | None) -> Outcome | None:
        of_owner = [line for line in self.lines if line.record.owner == record.owner]
        of_key = [line for line in self.lines if line.record.key == record.key]
        own_place = NodeId.of(record.owner) == record.key
        if len(of_owner) == self.config.records_per_owner_max:
            return Outcome.OWNER_QUOTA
        if len(of_key) >= self.config.records_per_key_max and not own_place:
            return Outcome.KEY_FULL
        if self.has_its_part(subnet):
            return Outcome.SUBNET_QUOTA
        return Outcome.STORE_FULL if self.too_far_for(record) else None

    def too_far_for(self, record: Record) -> bool:
        """Tell whether there is no room, and no farther key to make some."""
        too_much = self.too_much([*self.lines, Line(record, 0, 0, None)])
        return too_much and record.key == self.by_distance(record.key)[-1]

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


subnets = st.sampled_from([None, b"\x08\x08\x04", b"\x08\x08\x08"])
puts = st.builds(
    Put,
    owner=st.integers(0, len(OWNERS) - 1),
    key=st.sampled_from([0, 1, 2, 3, 3, 3, 4]),
    sequence=st.integers(0, 3),
    ttl_s=st.sampled_from([0, 3, 10, 30, 30]),
    value=st.integers(0, len(VALUES) - 1),
    forged=st.sampled_from([False, False, False, False, True]),
    age_s=st.sampled_from([0, 0, 0, 0, 2, 12]),
    subnet=subnets,
)
contents = st.builds(
    Put,
    owner=st.just(NOBODY),
    key=st.just(0),
    sequence=st.just(0),
    ttl_s=st.sampled_from([3, 10, 30]),
    value=st.sampled_from([1, 2]),
    forged=st.sampled_from([False, False, True]),
    age_s=st.sampled_from([0, 0, 2, 12]),
    subnet=subnets,
)
waits_s = st.integers(1, 20).map(lambda halves: halves / 2)
configs = st.builds(
    DhtConfig,
    records_max=st.sampled_from([1, 2, 3, 4, 99]),
    record_bytes_max=st.sampled_from([500, 9999, 9999]),
    records_per_key_max=st.sampled_from([1, 2, 99, 99]),
    records_per_owner_max=st.sampled_from([1, 2, 99, 99]),
    records_per_subnet_max=st.sampled_from([1, 2, 99, 99]),
    record_ttl_s_max=st.sampled_from([8, 99]),
)


def lines_of(held: list[Held]) -> list[Line]:
    return [Line(each.record, each.born_at, each.expires_at, each.subnet) for each in held]


@settings(max_examples=400, deadline=None)
@given(config=configs, steps=st.lists(puts | puts | contents | waits_s, min_size=20, max_size=60))
def test_a_store_follows_its_rules(config: DhtConfig, steps: list[Put | float]) -> None:
    store, model, now = RecordStore(OWN, config, REAL), NaiveStore(config), 0.0
    news: list[Record] = []
    store.on_new = lambda held, then: news.append(held.record)
    for step in steps:
        if isinstance(step, Put):
            outcome = store.put(record_of(step), now, step.age_s, subnet=step.subnet)
            assert outcome is model.put(step, now)
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
