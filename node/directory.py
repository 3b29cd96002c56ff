"""Who is who: what this node says about itself, and how it finds others by id, short id, name, uuid or capability.

Everything published is the same signed node record, under the node's id, its name, its uuid and each capability. What
is found was signed by the agent itself, so whoever stores it can only withhold it. A registry is asked when the DHT
has no answer.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Protocol

from ..dht.dht import Dht
from ..dht.get import GetResult
from ..dht.publish import Publication
from ..dht.put import PutResult
from ..dht.search import LookupResult
from ..dht.spread import SpreadPublication
from ..wire.contact import Contact
from ..wire.endpoint import PUBLIC, Endpoint
from ..wire.errors import ConfigError, DecodeError, LookupFailed, MeshError
from ..wire.identity import TEXT_LENGTH, Identity, NodeId, PublicKey
from ..wire.node_record import NodeRecord
from ..wire.record import Record, capability_key, name_key, node_key
from .conditions import Conditions
from .config import NodeConfig
from .explaining import hops_of
from .futures import Waiting
from .ports import Clock
from .providers import Provider, live_providers
from .results import Explained

if TYPE_CHECKING:
    from .registry.client import RegistryClient

logger = logging.getLogger(__name__)

UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHORT_FORM = re.compile(r"[a-z2-7]{8}")

REGISTRY_ROWS_MAX = 256
"""Rows of a registry's answer looked at: each costs a signature check of 0.1 ms."""

UNKNOWN_PEER_HINT = (
    "a peer is a node id, a short id, a name or a uuid; `mesh99 peers` lists those with a session"
)


class Describe(Protocol):
    """Says what this node is: in general, or as one that offers a capability."""

    def __call__(self, sequence: int, capability: str = "") -> NodeRecord: ...


class Directory:
    """Publish this node and find others."""

    def __init__(
        self,
        identity: Identity,
        dht: Dht,
        clock: Clock,
        config: NodeConfig,
        waiting: Waiting,
        kick: Callable[[], None],
        registries: Sequence[RegistryClient],
    ) -> None:
        self._identity = identity
        self._dht = dht
        self._clock = clock
        self._config = config
        self._waiting = waiting
        self._kick = kick
        self._registries = registries
        self._publications: dict[bytes, Publication | SpreadPublication] = {}
        self._sequence = 0

    def next_sequence(self) -> int:
        """Return a sequence number above all that this key ever signed, also before a restart."""
        self._sequence = max(self._sequence + 1, int(self._clock.unix_now() * 1000))
        return self._sequence

    def current_sequence(self) -> int:
        """Return the sequence number of what is published now."""
        return self._sequence or self.next_sequence()

    # publish

    def announce(self, describe: Describe, uuid: str | None) -> None:
        """Publish the node's record under every key it is looked for by, and keep it alive there."""
        record = describe(self.next_sequence())
        keys = [node_key(self._identity.node_id)]
        keys += [name_key(alias) for alias in (record.name, uuid) if alias]
        for key in keys:
            self.publish(key, partial(self._sign, describe, key))
        for capability in record.capabilities:
            self.offer(capability, describe)

    def offer(self, capability: str, describe: Describe) -> None:
        """Publish the node's record under a capability, and keep it alive there."""
        self.withdraw(capability)
        key, node_id, now = capability_key(capability), self._identity.node_id, self._clock.now()
        create = partial(self._sign_offer, describe, capability)
        self._publications[key] = self._dht.publish_spread(key, node_id, create, now)
        self._kick()

    def withdraw(self, capability: str) -> None:
        """Keep the record under a capability alive no longer."""
        previous = self._publications.pop(capability_key(capability), None)
        if previous is not None:
            previous.cancel()

    def _sign_offer(self, describe: Describe, capability: str, key: bytes, sequence: int) -> Record:
        return self._sign(describe, key, capability)

    def _sign(self, describe: Describe, key: bytes, capability: str = "") -> Record:
        return describe(self.next_sequence(), capability).to_record(self._identity, key)

    def changed(self, capability: str) -> None:
        """Publish what is now said of a capability; changes that come thick and fast go together."""
        publication = self._publications.get(capability_key(capability))
        if publication is not None:
            publication.change(self._clock.now())
            self._kick()

    def publish(
        self, key: bytes, create: Callable[[], Record], put: tuple[Record, PutResult] | None = None
    ) -> None:
        """Keep putting a record until `stop`, from now on or after one that was put; a newer one takes its place."""
        previous = self._publications.pop(key, None)
        if previous is not None:
            previous.cancel()
        self._publications[key] = self._dht.publish(lambda sequence: create(), self._clock.now(), put)
        self._kick()

    def stop(self) -> None:
        """Publish nothing any more."""
        for publication in self._publications.values():
            publication.cancel()
        self._publications.clear()

    # find

    async def find(self, capability: str, where: Conditions, timeout_s: float) -> list[Provider]:
        """Return the agents that offer a capability, as they say themselves, the last to say so first."""
        wanted = capability.lower()
        return await self._providers(wanted, where, await self._read_providers(wanted, where, timeout_s))

    async def explain_find(self, capability: str, where: Conditions, timeout_s: float) -> Explained:
        """Find the agents that offer a capability, and tell who was asked and what they said."""
        wanted, started = capability.lower(), self._clock.now()
        key = capability_key(wanted)
        result = await self._read_providers(wanted, where, timeout_s)
        found = await self._providers(wanted, where, result)
        return Explained(
            key=wanted,
            result=[provider.to_json() for provider in found],
            source=None if result.source is None else result.source.node_id.text,
            hops=hops_of(result.trace, key),
            elapsed_ms=round((self._clock.now() - started) * 1000, 3),
        )

    async def _read_providers(self, wanted: str, where: Conditions, timeout_s: float) -> GetResult:
        key, want = capability_key(wanted), self._config.providers_max
        fits = partial(_fits, where) if where.each else None
        return await self._waiting.result_of(
            lambda done: self._start(
                lambda: self._dht.get_spread(key, self._clock.now(), done, want=want, fits=fits)
            ),
            "answer from the overlay",
            timeout_s,
        )

    async def _providers(self, wanted: str, where: Conditions, result: GetResult) -> list[Provider]:
        # Whoever signed a record under this key offers it, also when the list in the record was cut to fit.
        found = live_providers(result.found, self._clock.now(), self._config.overlay.dht.record_ttl_s_max)
        found = found or [Provider(record) for record in await self._find_in_registries(wanted)]
        fitting = [provider for provider in found if where.fit(provider.agent.attributes)]
        return fitting[: self._config.providers_max]

    async def resolve(self, peer: str, timeout_s: float) -> NodeRecord:
        """Return the record of the agent that is meant; raises LookupFailed or, for two of a name, ConfigError."""
        if len(peer) == TEXT_LENGTH:
            return await self._resolve_id(NodeId.parse(peer), timeout_s)
        result = await self._get(name_key(peer), 8, timeout_s)
        found = self._node_records(result, lambda record: UUID_FORM.fullmatch(peer) or record.name == peer)
        if not found and SHORT_FORM.fullmatch(peer.lower()):
            return await self._resolve_short(peer.lower(), timeout_s)
        if not found:
            found = await self._resolve_in_registries(peer)
        return _only(found, peer)

    async def _resolve_id(self, node_id: NodeId, timeout_s: float) -> NodeRecord:
        result = await self._get(node_key(node_id), 4, timeout_s)
        found = self._node_records(result, lambda record: record.node_id == node_id)
        found = found or await self._resolve_in_registries(node_id.text)
        if not found:
            raise LookupFailed(f"node {node_id.short}", UNKNOWN_PEER_HINT)
        return found[0]

    async def _resolve_short(self, short: str, timeout_s: float) -> NodeRecord:
        """Find a node by the first 40 bits of its id: it is among the nodes nearest to them."""
        target = NodeId.lowest_with_short(short)
        near: LookupResult = await self._waiting.result_of(
            lambda done: self._start(lambda: self._dht.find_node(target, self._clock.now(), done)),
            f"answer about {short}",
            timeout_s,
        )
        ids = dict.fromkeys(contact.node_id for contact in near.contacts if contact.node_id.short == short)
        if self._identity.node_id.short == short:
            ids[self._identity.node_id] = None
        if not ids:
            raise LookupFailed(f"peer {short}", UNKNOWN_PEER_HINT)
        if len(ids) > 1:
            raise ConfigError("peer", f"{short} fits {len(ids)} nodes", "use the whole node id")
        return await self._resolve_id(next(iter(ids)), timeout_s)

    async def get(self, key: bytes, want: int, timeout_s: float, owner: PublicKey | None = None) -> GetResult:
        """Return the records under a key, of one owner or of any."""
        return await self._get(key, want, timeout_s, owner)

    async def _get(
        self, key: bytes, want: int, timeout_s: float, owner: PublicKey | None = None
    ) -> GetResult:
        return await self._waiting.result_of(
            lambda done: self._start(
                lambda: self._dht.get(key, self._clock.now(), done, owner=owner, want=want)
            ),
            "answer from the overlay",
            timeout_s,
        )

    def _start(self, begin: Callable[[], None]) -> None:
        begin()
        self._kick()

    def _node_records(self, result: GetResult, fits: Callable[[NodeRecord], object]) -> list[NodeRecord]:
        found: list[NodeRecord] = []
        for record in result.records:
            try:
                node_record = NodeRecord.from_record(record)
            except DecodeError:
                continue
            if fits(node_record):
                found.append(node_record)
        return found

    async def _find_in_registries(self, capability: str) -> list[NodeRecord]:
        return await self._ask_registries(lambda registry: self._discovered(registry, capability))

    async def _resolve_in_registries(self, peer: str) -> list[NodeRecord]:
        if len(peer) == TEXT_LENGTH or UUID_FORM.fullmatch(peer):
            return await self._ask_registries(lambda registry: self._known_as(registry, peer))
        found = await self._ask_registries(lambda registry: registry.nodes(REGISTRY_ROWS_MAX))
        return [record for record in found if record.name == peer]

    async def _ask_registries(
        self, ask: Callable[[RegistryClient], Awaitable[Sequence[NodeRecord]]]
    ) -> list[NodeRecord]:
        """Ask all at once; one that is down or lies is as good as one that knows nothing."""
        answers = await asyncio.gather(
            *(ask(registry) for registry in self._registries), return_exceptions=True
        )
        found: dict[NodeId, NodeRecord] = {}
        for answer in answers:
            if isinstance(answer, MeshError):
                logger.info("a registry gave no answer: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.update((record.node_id, record) for record in answer)
        return list(found.values())

    async def _discovered(self, registry: RegistryClient, capability: str) -> list[NodeRecord]:
        rows = (await registry.discover(capability))[:REGISTRY_ROWS_MAX]
        return [record for record in (registry.node_record_of(row) for row in rows) if record is not None]

    async def _known_as(self, registry: RegistryClient, name: str) -> list[NodeRecord]:
        record = await registry.node(name)
        return [] if record is None else [record]


def _fits(where: Conditions, record: Record) -> bool:
    try:
        return where.fit(NodeRecord.from_record(record).attributes)
    except DecodeError:
        return False


def _only(found: list[NodeRecord], peer: str) -> NodeRecord:
    distinct = {record.node_id: record for record in found}
    if not distinct:
        raise LookupFailed(f"peer {peer}", UNKNOWN_PEER_HINT)
    if len(distinct) > 1:
        ids = ", ".join(node_id.short for node_id in distinct)
        raise ConfigError("peer", f"{len(distinct)} agents are named {peer}", f"use one of their ids: {ids}")
    return next(iter(distinct.values()))


def _by_turns(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Put the first public one first, then the first of the others, and so on: a call begins with two at once."""
    public = [endpoint for endpoint in endpoints if endpoint.scope == PUBLIC]
    others = [endpoint for endpoint in endpoints if endpoint.scope != PUBLIC]
    both = chain.from_iterable(zip_longest(public, others))
    return [endpoint for endpoint in both if endpoint is not None]


def contacts_of(record: NodeRecord, own_hosts: frozenset[str]) -> list[Contact]:
    """Return how to reach an agent, most promising first: public addresses and private ones by turns.

    An agent on this machine is reached over loopback; loopback endpoints of others mean nothing here.
    """
    usable = [endpoint for endpoint in record.endpoints if endpoint.is_usable]
    same_machine = any(endpoint.host in own_hosts for endpoint in usable if not endpoint.is_loopback)
    loopback = [endpoint for endpoint in usable if endpoint.is_loopback]
    others = _by_turns([endpoint for endpoint in usable if not endpoint.is_loopback])
    ordered = loopback + others if same_machine or not others else others
    return [Contact(record.public_key, endpoint) for endpoint in ordered]
