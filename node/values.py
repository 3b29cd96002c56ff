"""Signed text values in the DHT, and a look at how a key is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..dht.dht import Dht
from ..dht.get import GetResult
from ..dht.put import PutResult
from ..dht.search import LookupResult
from ..wire.errors import ConfigError, LookupFailed, NotStored
from ..wire.identity import Identity, NodeId
from ..wire.record import Record, content_key, value_key
from .config import NodeConfig
from .directory import Directory
from .explaining import hops_of
from .futures import Waiting
from .keys import content_text, is_content, own_place, place_of
from .ports import Clock
from .results import Explained, Found, Hop, Stored

VALUE_BYTES_MAX = 800
"""A record is at most 1 KiB with its key, signature and numbers; this leaves room for them."""

OWNERS_READ = 16
"""Values of different signers looked at under one key; the newest is taken."""


class Values:
    """Put, get and trace."""

    def __init__(
        self,
        identity: Identity,
        dht: Dht,
        clock: Clock,
        config: NodeConfig,
        waiting: Waiting,
        directory: Directory,
        kick: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._dht = dht
        self._clock = clock
        self._config = config
        self._waiting = waiting
        self._directory = directory
        self._kick = kick

    async def put(self, key: str, value: str, timeout_s: float) -> Stored:
        """Sign a value, store it, and renew it while this node runs."""
        return _stored(key, await self._put(key, _checked(value), timeout_s))

    async def put_content(self, value: str, timeout_s: float) -> Stored:
        """Store a value under its hash, and renew it while this node runs."""
        data = _checked(value)
        key = content_key(data)
        result = await self._put_record(
            key, lambda: Record.of_content(data, ttl_s=self._config.value_ttl_s), timeout_s
        )
        return _stored(content_text(key), result)

    async def explain_put(self, key: str, value: str, timeout_s: float) -> Explained:
        """Put a value, and tell who was asked and what they said; no holder is a result too."""
        started = self._clock.now()
        result = await self._put(key, _checked(value), timeout_s)
        return Explained(
            key=key,
            result=[node_id.text for node_id in result.stored_on],
            source=None,
            hops=hops_of(result.hops, value_key(key)),
            elapsed_ms=self._since_ms(started),
        )

    async def delete(self, key: str, timeout_s: float) -> Stored:
        """Put a tombstone in the place of a value."""
        return _stored(key, await self._put(key, b"", timeout_s))

    async def _put(self, key: str, data: bytes, timeout_s: float) -> PutResult:
        place = own_place(key)

        def create() -> Record:
            sequence, ttl_s = self._directory.next_sequence(), self._config.value_ttl_s
            return Record.create(self._identity, place, data, sequence=sequence, ttl_s=ttl_s)

        return await self._put_record(place, create, timeout_s)

    async def _put_record(self, key: bytes, create: Callable[[], Record], timeout_s: float) -> PutResult:
        record = create()
        result: PutResult = await self._waiting.result_of(
            lambda done: self._begin(lambda: self._dht.put(record, self._clock.now(), done)),
            "answer from enough holders",
            timeout_s,
        )
        if result.stored_on:
            self._directory.publish(key, create, (record, result))
        return result

    async def get(self, key: str, timeout_s: float) -> Found:
        """Return the newest value; raises LookupFailed when no holder has one."""
        started = self._clock.now()
        result = await self._get(key, timeout_s)
        newest = _newest(result)
        if newest is None:
            raise LookupFailed(f"key {key}", "it was never put here, or its life is over")
        return _found(newest, result.hops, self._clock.now() - started)

    async def get_many(self, keys: Iterable[str], timeout_s: float) -> dict[str, Found]:
        """Return a value of each key that has one, from the first holder that answers for it."""
        started = self._clock.now()
        key_of = {place_of(key)[0]: key for key in keys}
        results: dict[bytes, GetResult] = await self._waiting.result_of(
            lambda done: self._begin(lambda: self._dht.get_many(key_of, self._clock.now(), done)),
            "answer for each of the keys",
            timeout_s,
        )
        elapsed_s = self._clock.now() - started
        newest = {key: (_newest(result), result.hops) for key, result in results.items()}
        return {
            key_of[key]: _found(record, hops, elapsed_s)
            for key, (record, hops) in newest.items()
            if record is not None and record.is_content == is_content(key_of[key])
        }

    async def explain_get(self, key: str, timeout_s: float) -> Explained:
        """Get a value, and tell who was asked and what they said; none is a result too."""
        started = self._clock.now()
        result = await self._get(key, timeout_s)
        newest = _newest(result)
        return Explained(
            key=key,
            result=None if newest is None else newest.value.decode(errors="replace"),
            source=None if result.source is None else result.source.node_id.text,
            hops=hops_of(result.trace, place_of(key)[0]),
            elapsed_ms=self._since_ms(started),
        )

    async def _get(self, key: str, timeout_s: float) -> GetResult:
        place, owner = place_of(key)
        return await self._directory.get(place, OWNERS_READ if owner is None else 1, timeout_s, owner)

    async def trace(self, key: str, timeout_s: float) -> list[Hop]:
        """Look up the place of a key (or of a node id) and return every question asked."""
        target = NodeId.parse(key) if len(key) == 52 else place_of(key)[0]
        result: LookupResult = await self._waiting.result_of(
            lambda done: self._begin(lambda: self._dht.find_node(target, self._clock.now(), done)),
            "end of the lookup",
            timeout_s,
        )
        return hops_of(result.hops, target)

    def _since_ms(self, started: float) -> float:
        return round((self._clock.now() - started) * 1000, 3)

    def _begin(self, start: Callable[[], None]) -> None:
        start()
        self._kick()


def _checked(value: str) -> bytes:
    data = value.encode()
    if not data:
        hint = "to take a value back: `mesh99 put KEY --delete`, or node.delete(key)"
        raise ConfigError("value", f"0 bytes where 1 to {VALUE_BYTES_MAX} are needed", hint)
    if len(data) > VALUE_BYTES_MAX:
        hint = "put a reference to it instead, or send it as a message"
        raise ConfigError("value", f"{len(data)} bytes are over the limit of {VALUE_BYTES_MAX}", hint)
    return data


def _stored(key: str, result: PutResult) -> Stored:
    refused = {outcome.reason: count for outcome, count in result.refused}
    if not result.stored_on:
        raise NotStored(key, refused)
    return Stored(key=key, stored_on=[node_id.text for node_id in result.stored_on], refused=refused)


def _found(record: Record, hops: int, elapsed_s: float) -> Found:
    owner = "" if record.is_content else record.owner.node_id.text
    return Found(value=record.value.decode(errors="replace"), owner=owner, hops=hops, elapsed_s=elapsed_s)


def _newest(result: GetResult) -> Record | None:
    """Return the value that counts; a record without one says that it was taken back."""
    live = [record for record in result.records if record.value]
    return max(live, key=lambda record: record.sequence, default=None)
