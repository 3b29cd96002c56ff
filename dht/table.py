"""The routing table: one k-bucket per length of the prefix shared with our own id, and exact nearest neighbours.

Deliberately absent: any way in for contacts that were only heard of. `verified` is called after an authenticated
round trip and is the only entrance; what an answer or a stranger claims never gets here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .bucket import KBucket
from .config import DhtConfig
from .distance import ID_BITS, SPACE, expected_radius, number_of, shared_prefix_bits
from .entry import Entry
from .scope import subnet_of

CROWDED_TIMES = 2
"""How much sparser than all our neighbours those beside the fullest bucket must be, for that one to be a crowd. Raising
it makes a node that lives in a crowd take the network for larger; lowering it takes chance for a crowd (1.5 % at 2)."""


class RoutingTable:
    """Contacts around `own_id`, exact to ask and bounded by buckets and subnets."""

    __slots__ = (
        "_boxed",
        "_config",
        "_order",
        "_own",
        "_radius",
        "_subnets",
        "buckets",
        "on_member",
        "own_id",
        "size",
    )

    def __init__(self, own_id: NodeId, config: DhtConfig) -> None:
        self.own_id = own_id
        self.size = 0
        self.on_member: Callable[[Entry], None] = lambda entry: None
        """Told of each entry that becomes a member, from outside or from the reserve."""
        self.buckets: dict[int, KBucket] = {}
        self._config = config
        self._own = number_of(own_id)
        self._order: list[int] = []
        self._radius: int | None = None
        self._subnets: dict[bytes, int] = {}
        self._boxed: dict[NodeId, None] = {}
        """Those listed, or in reserve, whom strangers may not reach."""

    def __len__(self) -> int:
        return self.size

    def __contains__(self, node_id: NodeId) -> bool:
        return self.find(node_id) is not None

    def __iter__(self) -> Iterator[Entry]:
        for bucket in self.buckets.values():
            yield from bucket.entries.values()

    def find(self, node_id: NodeId) -> Entry | None:
        """Return the entry of a member."""
        bucket = self._bucket_of(number_of(node_id))
        return bucket.entries.get(node_id) if bucket is not None else None

    def verified(self, contact: Contact, now: float, heard_at: float | None = None) -> bool:
        """Take in or refresh a contact after an authenticated round trip; True when it is a new member.

        One of an earlier life is known to be up since `now`, and was last heard at `heard_at`.
        """
        if self._is_not_for_others(contact):
            self.evict(contact.node_id)
            return False
        joined = self._take_in(contact, now, now if heard_at is None else heard_at)
        if contact.boxed:
            self._boxed[contact.node_id] = None
        elif self._boxed:
            self._boxed.pop(contact.node_id, None)
            self._let_boxed_go()
        return joined

    def _take_in(self, contact: Contact, now: float, heard_at: float) -> bool:
        number = contact.number
        if number == self._own:
            return False
        bucket = self._bucket_of(number) or self._new_bucket(number)
        entry = bucket.heard(contact.node_id, now)
        if entry is not None:
            self._move(entry, contact, bucket)
            return False
        entry = Entry.of(contact, now, subnet_of(contact))
        entry.last_seen = heard_at
        if entry.subnet is not None and not self._subnet_has_room(entry.subnet, bucket):
            return False
        self._count_subnet(entry, 1)
        self._forget(bucket.add(entry))
        if contact.node_id not in bucket.entries:
            return False
        self.size += 1
        self._radius = None
        self.on_member(entry)
        return True

    def wants(self, contact: Contact) -> bool:
        """Tell whether the contact would be news here, and there is room for it at least in reserve."""
        if self._is_not_for_others(contact):
            return False
        bucket = self._bucket_of(contact.number)
        if bucket is None:
            return contact.number != self._own
        entry = bucket.find(contact.node_id)
        if entry is not None:
            return entry.contact.endpoint != contact.endpoint
        return len(bucket.entries) < bucket.size or len(bucket.reserve) < bucket.reserve_max

    def heard(self, node_id: NodeId, now: float) -> None:
        """Note a sign of life; no effect on strangers."""
        bucket = self._bucket_of(number_of(node_id))
        if bucket is not None:
            bucket.heard(node_id, now)

    def failed(self, node_id: NodeId) -> bool:
        """Count a failed request; True when the contact was evicted."""
        bucket = self._bucket_of(number_of(node_id))
        entry = bucket.find(node_id) if bucket is not None else None
        if entry is None:
            return False
        entry.failures += 1
        return entry.failures >= self._config.failures_max and self.evict(node_id)

    def evict(self, node_id: NodeId) -> bool:
        """Drop a contact; False when there is none."""
        bucket = self._bucket_of(number_of(node_id))
        entry = bucket.find(node_id) if bucket is not None else None
        if bucket is None or entry is None:
            return False
        self._leave(entry, bucket)
        return True

    def nearest(self, target: int, count: int, exclude: NodeId | None = None) -> list[Contact]:
        """Return the `count` members nearest to `target`, in order; exact among those without failures.

        Members with failures fill up at the end when there are too few others.
        """
        wanted = count + (exclude is not None)
        chosen: list[Entry] = []
        doubtful: list[Entry] = []

        def distance(entry: Entry) -> int:
            return entry.number ^ target

        for bucket in self._towards(target):
            entries = bucket.entries.values()
            good = [entry for entry in entries if not entry.failures]
            if len(good) < len(entries):
                doubtful += [entry for entry in entries if entry.failures]
            good.sort(key=distance)
            chosen += good
            if len(chosen) >= wanted:
                break
        else:
            chosen += sorted(doubtful, key=distance)
        nearest = [entry.contact for entry in chosen[:wanted]]
        if exclude is None:
            return nearest
        return [contact for contact in nearest if contact.node_id != exclude][:count]

    def radius(self, count: int) -> int:
        """Estimate within which distance of any target its `count` nearest nodes of the network lie."""
        if self._radius is None:
            # No more than a join has found for certain: gaps behind them would make the network look smaller.
            sure = min(self._config.join_count, self._config.bucket_size)
            distances = [contact.number ^ self._own for contact in self.nearest(self._own, sure)]
            beside = self._without_fullest(distances)[: sure // 2]
            self._radius = expected_radius(distances, 1)
            if beside:
                self._radius = max(self._radius, expected_radius(beside, 1) // CROWDED_TIMES)
        return min(SPACE, count * self._radius)

    def _without_fullest(self, distances: list[int]) -> list[int]:
        """Return the distances of our neighbours outside of the bucket that most of `distances` fall into.

        What lies behind that bucket moves up by its width, as if the place of its members were not there: a crowd at
        one place near us fills one bucket, and would make the whole network look large.
        """
        widths = [1 << distance.bit_length() - 1 for distance in distances]
        width = max(widths, key=widths.count, default=1)
        others = [entry.number ^ self._own for entry in self if not entry.failures]
        return sorted(
            distance if distance < width else distance - width
            for distance in others
            if not width <= distance < 2 * width
        )

    def far_prefixes(self, near_count: int) -> range:
        """Return the prefix lengths whose buckets a lookup of our own id for so many contacts does not fill."""
        near = self.nearest(self._own, near_count)
        if len(near) < near_count:
            return range(0)
        return range(shared_prefix_bits(number_of(near[-1].node_id), self._own) + 1)

    def members_at(self, prefix_bits: int) -> int:
        """Return how many members share exactly so many leading bits with our own id."""
        bucket = self.buckets.get(prefix_bits)
        return len(bucket.entries) if bucket is not None else 0

    def longest_known(self, limit: int) -> list[Contact]:
        """Return up to `limit` contacts without failures, the longest known first."""
        good = sorted((entry for entry in self if not entry.failures), key=lambda entry: entry.added_at)
        return [entry.contact for entry in good[:limit]]

    def _bucket_of(self, number: int) -> KBucket | None:
        return self.buckets.get(shared_prefix_bits(number, self._own))

    def _new_bucket(self, number: int) -> KBucket:
        prefix_bits = shared_prefix_bits(number, self._own)
        bucket = self.buckets[prefix_bits] = KBucket(self._config.bucket_size, self._config.reserve_max)
        self._order.append(prefix_bits)
        self._order.sort(reverse=True)
        return bucket

    def _towards(self, target: int) -> Iterator[KBucket]:
        """Yield all buckets, each nearer to `target` as a whole than the next.

        Members of a bucket differ from us first at the bit of its prefix length; where the target does too they are
        nearer to it than everybody in deeper buckets, else farther.
        """
        order = self._order
        deepest = order[0] if order else 0
        differs = (self._own ^ target) >> ID_BITS - 1 - deepest
        for bits in reversed(order):
            if differs >> deepest - bits & 1:
                yield self.buckets[bits]
        for bits in order:
            if not differs >> deepest - bits & 1:
                yield self.buckets[bits]

    def _is_not_for_others(self, contact: Contact) -> bool:
        """Tell whether a contact is not to be listed: it asks for that, or it is boxed and there are others enough."""
        return contact.ephemeral or (contact.boxed and self._knows_open_ones())

    def _knows_open_ones(self) -> bool:
        """Tell whether so many are listed whom strangers reach that the network can do without the others."""
        enough = self._config.open_enough
        known = (entry for entry in self if not entry.contact.boxed)
        return sum(1 for _ in islice(known, enough)) == enough

    def _let_boxed_go(self) -> None:
        if self._knows_open_ones():
            for node_id in list(self._boxed):
                self.evict(node_id)
            self._boxed.clear()

    def _move(self, entry: Entry, contact: Contact, bucket: KBucket) -> None:
        """Note where a contact is now; it leaves when its new subnet has its share, as if it were a newcomer there."""
        if entry.contact.endpoint == contact.endpoint:
            entry.contact = contact
            return
        subnet = subnet_of(contact)
        if subnet == entry.subnet or subnet is None or self._subnet_has_room(subnet, bucket):
            self._count_subnet(entry, -1)
            entry.contact, entry.subnet = contact, subnet
            self._count_subnet(entry, 1)
        else:
            self._leave(entry, bucket)

    def _leave(self, entry: Entry, bucket: KBucket) -> None:
        """Let a contact go, and the reserve step in for a member."""
        member = entry.contact.node_id in bucket.entries
        _, joined = bucket.remove(entry.contact.node_id)
        self._forget(entry)
        self.size -= member and joined is None
        self._radius = None
        if joined is not None:
            self.on_member(joined)

    def _forget(self, entry: Entry | None) -> None:
        if entry is not None:
            self._count_subnet(entry, -1)
            self._boxed.pop(entry.contact.node_id, None)

    def _subnet_has_room(self, subnet: bytes, bucket: KBucket) -> bool:
        if self._subnets.get(subnet, 0) >= self._config.subnet_table_max:
            return False
        inside = [*bucket.entries.values(), *bucket.reserve.values()]
        return sum(entry.subnet == subnet for entry in inside) < self._config.subnet_bucket_max

    def _count_subnet(self, entry: Entry, step: int) -> None:
        if entry.subnet is None:
            return
        count = self._subnets.get(entry.subnet, 0) + step
        if count:
            self._subnets[entry.subnet] = count
        else:
            del self._subnets[entry.subnet]
