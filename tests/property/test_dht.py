"""Properties of the DHT: exact neighbours, a bucket model, lookups that end, codecs that only raise DecodeError."""

from __future__ import annotations

import contextlib

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh99.dht import DhtConfig
from mesh99.dht.bucket import KBucket
from mesh99.dht.entry import Entry
from mesh99.dht.lookup import Candidate, Lookup, State
from mesh99.dht.reading import decode
from mesh99.dht.table import RoutingTable
from mesh99.dht.timers import Timers
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import NodeId, PublicKey

numbers = st.integers(0, 2**256 - 1) | st.integers(0, 40) | st.integers(0, 255).map(lambda bit: 1 << bit)


def contact_at(number: int) -> Contact:
    contact = Contact(PublicKey(number.to_bytes(32, "big")), Endpoint("udp", "127.0.0.1", 7400))
    contact.node_id = NodeId(number.to_bytes(32, "big"))
    return contact


@given(
    own=numbers, known=st.lists(numbers, max_size=60, unique=True), target=numbers, count=st.integers(1, 30)
)
def test_nearest_equals_a_sort_of_all(own: int, known: list[int], target: int, count: int) -> None:
    table = RoutingTable(NodeId(own.to_bytes(32, "big")), DhtConfig(bucket_size=8))
    for number in known:
        table.verified(contact_at(number), 0.0)
    members = sorted((entry.number for entry in table), key=lambda number: number ^ target)
    assert [contact.node_id.number for contact in table.nearest(target, count)] == members[:count]
    for left_out in members[:3]:
        rest = [number for number in members if number != left_out]
        found = table.nearest(target, count, exclude=contact_at(left_out).node_id)
        assert [contact.node_id.number for contact in found] == rest[:count]


class NaiveBucket:
    """The rules of a bucket on plain lists."""

    def __init__(self, size: int, reserve_max: int) -> None:
        self.size, self.reserve_max = size, reserve_max
        self.members: list[int] = []
        self.reserve: list[int] = []

    def verified(self, number: int) -> None:
        for line in (self.members, self.reserve):
            if number in line:
                line.remove(number)
                line.append(number)
                return
        line = self.members if len(self.members) < self.size else self.reserve
        line.append(number)
        del self.reserve[: max(0, len(self.reserve) - self.reserve_max)]

    def removed(self, number: int) -> None:
        if number in self.reserve:
            self.reserve.remove(number)
        elif number in self.members:
            self.members.remove(number)
            if self.reserve:
                self.members.append(self.reserve.pop())


@given(st.lists(st.tuples(st.sampled_from(["verified", "removed"]), st.integers(0, 9)), max_size=80))
def test_a_bucket_follows_its_rules(steps: list[tuple[str, int]]) -> None:
    bucket, model = KBucket(3, 2), NaiveBucket(3, 2)
    for step, number in steps:
        node_id = contact_at(number).node_id
        if step == "removed":
            bucket.remove(node_id)
            model.removed(number)
        else:
            if bucket.heard(node_id, 0.0) is None:
                bucket.add(Entry.of(contact_at(number), 0.0))
            model.verified(number)
        assert [entry.number for entry in bucket.entries.values()] == model.members
        assert [entry.number for entry in bucket.reserve.values()] == model.reserve


@given(
    st.lists(st.tuples(st.sampled_from(["verified", "failed", "heard"]), st.integers(1, 12)), max_size=120)
)
def test_a_table_counts_its_members_and_evicts_after_two_failures(steps: list[tuple[str, int]]) -> None:
    table = RoutingTable(NodeId(bytes(32)), DhtConfig(bucket_size=2, reserve_max=2))
    failures: dict[int, int] = {}
    for step, number in steps:
        contact = contact_at(number)
        if step == "failed":
            before = contact.node_id in table
            failures[number] = failures.get(number, 0) + 1
            evicted = table.failed(contact.node_id)
            if before:
                assert evicted == (failures[number] >= 2)
        else:
            failures[number] = 0
            if step == "heard":
                table.heard(contact.node_id, 0.0)
            else:
                table.verified(contact, 0.0)
        assert len(table) == len(list(table))
        assert all(len(bucket.entries) <= 2 and len(bucket.reserve) <= 2 for bucket in table.buckets.values())


@settings(max_examples=200)
@given(
    data=st.data(),
    network=st.lists(numbers, min_size=1, max_size=40, unique=True),
    target=numbers,
    count=st.integers(1, 8),
    parallelism=st.integers(1, 4),
)
def test_a_lookup_ends_within_its_bounds_and_asks_nobody_twice(
    data: st.DataObject, network: list[int], target: int, count: int, parallelism: int
) -> None:
    seeds = data.draw(st.lists(st.sampled_from(network), max_size=5, unique=True))
    own = 2**256 - 1
    search = Lookup(
        target,
        [contact_at(number) for number in seeds],
        NodeId(own.to_bytes(32, "big")),
        count=count,
        parallelism=parallelism,
        parallelism_wide=count,
        requests_max=30,
    )
    outstanding: list[Candidate] = []
    for _ in range(400):
        while (candidate := search.next()) is not None:
            outstanding.append(candidate)
        asked = [candidate.contact.node_id for candidate in search.asked]
        assert len(asked) == len(dict.fromkeys(asked)) <= 30
        assert len(search.candidates) == len(dict.fromkeys(c.contact.node_id for c in search.candidates))
        assert search.waiting == sum(c.state is State.WAITING for c in search.candidates)
        assert search.waiting <= (max(count, parallelism) if search.wide else parallelism)
        if search.finished:
            break
        assert outstanding, "not finished, yet nothing to wait for"
        candidate = data.draw(st.sampled_from(outstanding))
        event = data.draw(st.sampled_from(["answered", "answered", "slow", "failed"]))
        if event == "slow":
            search.slow(candidate)
        elif event == "failed":
            search.failed(candidate)
            outstanding.remove(candidate)
        else:
            named = data.draw(st.lists(st.sampled_from([*network, own]), max_size=6))
            search.answered(candidate, [contact_at(number) for number in named])
            outstanding.remove(candidate)
    else:
        assert not outstanding or any(c.state is State.SLOW for c in outstanding)
    distances = [candidate.distance for candidate in search.nearest_answered()]
    assert distances == sorted(distances)
    assert own not in [candidate.contact.node_id.number for candidate in search.asked]


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_decode_error(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(data)


atoms = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=60)
    | st.text(max_size=8)
)
trees = st.recursive(atoms, lambda inner: st.lists(inner, max_size=5), max_leaves=12)
kinds = st.sampled_from([1, 2, 3, 4, 5, 9, 17, 18, 19, 20, 21, 25])


@given(kinds, st.integers(0, 2**32 - 1), st.lists(trees | st.binary(min_size=32, max_size=32), max_size=6))
def test_any_fields_decode_or_raise_decode_error(kind: int, request_id: int, fields: list[object]) -> None:
    try:
        decoded_id, _ = decode(msgpack.packb([kind, request_id, *fields]))
    except DecodeError:
        return
    assert decoded_id == request_id


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=50),
    st.lists(st.integers(0, 25), max_size=10),
)
def test_timers_run_once_in_order_and_never_early(settings_: list[tuple[int, bool]], runs: list[int]) -> None:
    timers, ran = Timers(), []
    for position, (when, cancelled) in enumerate(settings_):
        timer = timers.at(when, lambda now, when=when, position=position: ran.append((when, position)))
        if cancelled:
            timer.cancel()
    for now in sorted(runs):
        timers.run(now)
        live = [(when, place) for place, (when, cancelled) in enumerate(settings_) if not cancelled]
        assert ran == sorted(each for each in live if each[0] <= now)
        left = [when for when, _ in live if when > now]
        assert timers.next_timeout() == (min(left) if left else None)
