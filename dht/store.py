"""Records held for the network: per key a map from owner to that owner's latest record, each with its own end.

Values, names, node records and capability providers are all kept this way. A record is verified once, when it comes
in. Its life is counted from first receipt (less the age its sender reports), so nobody's wall clock matters; only a
higher sequence of its owner prolongs it, and no copy, however old it is said to be, shortens it. Content has one record
for all, and lives as long as anybody puts it again.

A full store gives room to keys nearer to our own id than its farthest one, so that junk under random keys cannot
crowd out what this node is responsible for. The owner of a node id, and content, always have room under their own key;
content counts to no owner's quota.

Owners cost nothing, networks do: a record counts to the subnet of whoever stored it here. A subnet that has its part
makes no room for nearer keys: they cost nothing either, and whoever filled the part could push out of it what his
neighbours had stored. A renewal needs no room. It counts to the subnet that brought it, if there is some, so that what
holders handed on soon counts to its owners; only who stands in a subnet, or hands on what it got, uses up its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import ceil
from typing import NamedTuple, TypeVar

from ..wire.crypto import Crypto
from ..wire.identity import NodeId, PublicKey
from ..wire.record import Record
from .config import DhtConfig
from .distance import number_of
from .messages import Outcome

K = TypeVar("K")


class Held(NamedTuple):
    """A record in the store, with its life in this node's time."""

    record: Record
    born_at: float
    expires_at: float
    arrival: int
    subnet: bytes | None = None

    def age_s(self, now: float) -> int:
        """Return the age in whole seconds, rounded up so that hand-overs never prolong a life."""
        return max(0, ceil(now - self.born_at))


class RecordStore:
    """Verified records, bounded in number, bytes, per key, per owner and per subnet they came from."""

    __slots__ = (
        "_config",
        "_crypto",
        "_expiries",
        "_from_subnet",
        "_keys",
        "_own",
        "_owned",
        "_received",
        "bytes",
        "on_new",
        "size",
    )

    def __init__(self, own_id: NodeId, config: DhtConfig, crypto: Crypto) -> None:
        self.size = 0
        self.bytes = 0
        self.on_new: Callable[[Held, float], None] = lambda held, now: None
        """Told of each record that is news here."""
        self._own = number_of(own_id)
        self._config = config
        self._crypto = crypto
        self._keys: dict[bytes, dict[PublicKey, Held]] = {}
        self._owned: dict[PublicKey, int] = {}
        self._from_subnet: dict[bytes, int] = {}
        self._expiries: list[tuple[float, int, bytes, PublicKey]] = []
        self._received = 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Held]:
        for owners in self._keys.values():
            yield from owners.values()

    def put(
        self,
        record: Record,
        now: float,
        age_s: float = 0.0,
        *,
        subnet: bytes | None = None,
        trusted: bool = False,
    ) -> Outcome:
        """Take in a record of a given age from a subnet, if that is to count; `trusted` ones the caller verified."""
        self.expire(now)
        expires_at = now - age_s + min(record.ttl_s, self._config.record_ttl_s_max)
        if expires_at <= now:
            return Outcome.EXPIRED
        held = self.find(record.key, record.owner)
        # A copy changes no life, whatever age it claims. Were the greater age to win, anybody with a token could kill a
        # record by claiming one, and two liars are as cheap as one. A life that a liar made too long at the first
        # receipt here is at most the record's own.
        if held is not None and not _is_newer(record, expires_at, held):
            return _known(record, held.record)
        if held is None and (full := self._full_for(record, subnet)) is not None:
            return full
        if not (trusted or record.verify(self._crypto)):
            return Outcome.WRONG_CONTENT if record.is_content else Outcome.BAD_SIGNATURE
        if held is not None and self._has_its_part(subnet):
            subnet = held.subnet
        fresh = Held(record, now - age_s, expires_at, self._received, subnet)
        self._insert(fresh)
        self.on_new(fresh, now)
        return Outcome.STORED

    def find(self, key: bytes, owner: PublicKey) -> Held | None:
        """Return what is held of one owner under a key; call `expire` first."""
        owners = self._keys.get(key)
        return owners.get(owner) if owners is not None else None

    def get(self, key: bytes, now: float, owner: bytes = b"") -> list[Held]:
        """Return what is held under a key, of one owner or of all, the newest first."""
        owners = self._keys.get(key)
        if owners is None:
            return []
        self.expire(now)
        if owner:
            held = owners.get(PublicKey(owner))
            return [held] if held is not None else []
        return list(reversed(owners.values()))

    def by_key(self) -> Iterator[tuple[bytes, list[Held]]]:
        """Yield each key with what is held under it."""
        for key, owners in self._keys.items():
            yield key, list(owners.values())

    def expire(self, now: float) -> None:
        """Forget what has come to its end."""
        while self._expiries and self._expiries[0][0] <= now:
            expires_at, _, key, owner = heappop(self._expiries)
            held = self.find(key, owner)
            if held is not None and held.expires_at == expires_at:
                self._remove(held)

    def next_expiry(self) -> float | None:
        """Return when the next record ends, or a little earlier."""
        return self._expiries[0][0] if self._expiries else None

    def _insert(self, held: Held) -> None:
        record = held.record
        old = self.find(record.key, record.owner)
        if old is not None:
            self._remove(old)
        self._keys.setdefault(record.key, {})[record.owner] = held
        _count(self._owned, record.owner, 1)
        if held.subnet is not None:
            _count(self._from_subnet, held.subnet, 1)
        self.size += 1
        self.bytes += held.record.size_bytes
        self._received += 1
        heappush(self._expiries, (held.expires_at, held.arrival, record.key, record.owner))
        self._tidy()

    def _remove(self, held: Held) -> None:
        key, owner = held.record.key, held.record.owner
        owners = self._keys[key]
        del owners[owner]
        if not owners:
            del self._keys[key]
        _count(self._owned, owner, -1)
        if held.subnet is not None:
            _count(self._from_subnet, held.subnet, -1)
        self.size -= 1
        self.bytes -= held.record.size_bytes

    def _full_for(self, record: Record, subnet: bytes | None) -> Outcome | None:
        """Say what is too full for a record under a new (key, owner), if farther ones make room where they can."""
        config = self._config
        if config.ephemeral:
            return Outcome.NO_ROOM
        if not record.is_content and self._owned.get(record.owner, 0) >= config.records_per_owner_max:
            return Outcome.OWNER_QUOTA
        crowded = len(self._keys.get(record.key, ())) >= config.records_per_key_max
        if crowded and not record.is_content and record.owner.node_id != record.key:
            return Outcome.KEY_FULL
        if self._has_its_part(subnet):
            return Outcome.SUBNET_QUOTA
        if not self._is_over(1, record.size_bytes):
            return None
        nearer = bool(self._keys) and self._distance(record.key) < self._distance(self._farthest())
        return None if nearer else Outcome.STORE_FULL

    def _has_its_part(self, subnet: bytes | None) -> bool:
        held = self._from_subnet.get(subnet, 0) if subnet is not None else 0
        return held >= self._config.records_per_subnet_max

    def _is_over(self, more: int = 0, more_bytes: int = 0) -> bool:
        config = self._config
        return self.size + more > config.records_max or self.bytes + more_bytes > config.record_bytes_max

    def _farthest(self) -> bytes:
        return max(self._keys, key=self._distance)

    def _distance(self, key: bytes) -> int:
        return number_of(key) ^ self._own

    def _tidy(self) -> None:
        """Evict what is too much; rebuild the expiry heap when most of it is about records that were replaced."""
        while self._is_over():
            self._remove(next(iter(self._keys[self._farthest()].values())))
        if len(self._expiries) > 2 * self.size + 64:
            self._expiries = sorted((h.expires_at, h.arrival, h.record.key, h.record.owner) for h in self)


def _count(counts: dict[K, int], what: K, step: int) -> None:
    """Count one more or one less; what there is none of is forgotten."""
    counts[what] = counts.get(what, 0) + step
    if not counts[what]:
        del counts[what]


def _is_newer(record: Record, expires_at: float, held: Held) -> bool:
    """Tell whether a record takes the place of the one held: content can only live longer."""
    if record.is_content:
        return expires_at > held.expires_at
    return record.sequence > held.record.sequence


def _known(record: Record, held: Record) -> Outcome:
    """Judge a record that is no newer than the one held."""
    if record.is_content:
        return Outcome.STORED if record.value == held.value else Outcome.WRONG_CONTENT
    return Outcome.STORED if record == held else Outcome.OLD_SEQUENCE
