"""The routing table against a naive one: lists, sorted and counted from scratch after every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from mesh99.dht import DhtConfig
from mesh99.dht.distance import shared_prefix_bits
from mesh99.dht.entry import Entry
from mesh99.dht.table import RoutingTable
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId, PublicKey

CONFIG = DhtConfig(bucket_size=3, reserve_max=2, subnet_bucket_max=2, subnet_table_max=4)
OWN = 0b1010

# Few ids, so that they meet again; three public subnets, of which a table soon is full, and one that does not count.
NUMBERS = st.integers(0, 15)
SUBNETS = ("8.8.8", "9.9.9", "11.1.1", "10.0.0")
PRIVATE = SUBNETS[-1]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("verified", "verified", "failed", "failed", "heard", "remember")),
        NUMBERS,
        st.sampled_from(SUBNETS),
    ),
    min_size=60,
    max_size=120,
)


def contact_at(number: int, subnet: str) -> Contact:
    contact = Contact(PublicKey(number.to_bytes(32, "big")), Endpoint("udp", f"{subnet}.{number + 1}", 7400))
    contact.node_id = NodeId(number.to_bytes(32, "big"))
    return contact


@dataclass
class Known:
    number: int
    subnet: str
    failures: int = 0


@dataclass
class Naive:
    """Buckets as two lists each, the longest unheard first."""

    members: dict[int, list[Known]] = field(default_factory=dict)
    reserve: dict[int, list[Known]] = field(default_factory=dict)
    joined: list[int] = field(default_factory=list)

    def lists(self, number: int) -> tuple[list[Known], list[Known]]:
        bits = shared_prefix_bits(number, OWN)
        return self.members.setdefault(bits, []), self.reserve.setdefault(bits, [])

    def everybody(self) -> list[Known]:
        return [known for side in (self.members, self.reserve) for each in side.values() for known in each]

    def find(self, number: int) -> tuple[Known | None, list[Known]]:
        for line in self.lists(number):
            for known in line:
                if known.number == number:
                    return known, line
        return None, []

    def verified(self, number: int, subnet: str) -> bool:
        known, _ = self.heard(number)
        if number == OWN:
            return False
        if known is not None:
            if subnet != known.subnet and not self.has_room(number, subnet):
                self.leave(known)
            known.subnet = subnet
            return False
        if not self.has_room(number, subnet):
            return False
        members, reserve = self.lists(number)
        line = members if len(members) < CONFIG.bucket_size else reserve
        line.append(Known(number, subnet))
        del reserve[: -CONFIG.reserve_max]
        if line is members:
            self.joined.append(number)
        return line is members

    def heard(self, number: int) -> tuple[Known | None, list[Known]]:
        known, line = self.find(number)
        if known is not None:
            line.remove(known)
            line.append(known)
            known.failures = 0
        return known, line

    def failed(self, number: int) -> bool:
        known, _ = self.find(number)
        if known is None:
            return False
        known.failures += 1
        if known.failures == CONFIG.failures_max:
            self.leave(known)
        return known.failures >= CONFIG.failures_max

    def leave(self, known: Known) -> None:
        members, reserve = self.lists(known.number)
        if known in reserve:
            reserve.remove(known)
            return
        members.remove(known)
        if reserve:
            members.append(reserve.pop())
            self.joined.append(members[-1].number)

    def has_room(self, number: int, subnet: str) -> bool:
        if subnet == PRIVATE:
            return True
        inside = sum(known.subnet == subnet for line in self.lists(number) for known in line)
        everywhere = sum(known.subnet == subnet for known in self.everybody())
        return inside < CONFIG.subnet_bucket_max and everywhere < CONFIG.subnet_table_max

    def nearest(self, target: int, count: int) -> list[int]:
        """Return the nearest: those without failures, and only when they are too few the others behind them."""
        members = [known for line in self.members.values() for known in line]
        members.sort(key=lambda known: (bool(known.failures), known.number ^ target))
        return [known.number for known in members[:count]]


@given(steps=STEPS, target=NUMBERS, count=st.integers(1, 12))
def test_a_table_does_what_lists_would_do(steps: list[tuple[str, int, str]], target: int, count: int) -> None:
    table, naive, joined = RoutingTable(NodeId(OWN.to_bytes(32, "big")), CONFIG), Naive(), []
    table.on_member = lambda entry: joined.append(entry.number)
    for now, (what, number, subnet) in enumerate(steps):
        contact = contact_at(number, subnet)
        if what == "verified":
            assert table.verified(contact, now) == naive.verified(number, subnet)
        elif what == "remember":
            table.verified(contact, now - 50.0, now - 5.0)
            naive.verified(number, subnet)
        elif what == "heard":
            table.heard(contact.node_id, now)
            naive.heard(number)
        else:
            assert table.failed(contact.node_id) == naive.failed(number)
        assert_same(table, naive)
    assert joined == naive.joined
    assert [each.node_id.number for each in table.nearest(target, count)] == naive.nearest(target, count)
    assert [each.node_id.number for each in table.nearest(target, 99)] == naive.nearest(target, 99)


def assert_same(table: RoutingTable, naive: Naive) -> None:
    """Compare members and reserves in their order, and what is counted beside them."""
    for bits, bucket in table.buckets.items():
        assert seen(bucket.entries.values()) == told(naive.members.get(bits, []))
        assert seen(bucket.reserve.values()) == told(naive.reserve.get(bits, []))
    everybody = naive.everybody()
    assert len(table) == sum(len(line) for line in naive.members.values())
    public = [known.subnet for known in everybody if known.subnet != PRIVATE]
    assert sorted(table._subnets.values()) == sorted(public.count(subnet) for subnet in {*public})


def seen(entries: Iterable[Entry]) -> list[tuple[int, str, int]]:
    return [
        (entry.number, entry.contact.endpoint.host.rpartition(".")[0], entry.failures) for entry in entries
    ]


def told(line: list[Known]) -> list[tuple[int, str, int]]:
    return [(known.number, known.subnet, known.failures) for known in line]
