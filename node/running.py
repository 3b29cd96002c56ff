"""The parts of a node while it runs, put together at start and taken apart at stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..wire.contact import Contact
from ..wire.endpoint import Endpoint, families_of
from ..wire.errors import ConfigError, DeadlineExceeded, HandshakeFailed, LookupFailed, MeshError, NoPath
from ..wire.identity import Identity, NodeId
from ..wire.node_record import NodeRecord
from .announcing import Announcing
from .conditions import Conditions
from .config import NodeConfig
from .conversations import Conversations
from .directory import Directory, contacts_of
from .futures import Waiting
from .host import Host
from .joining import Joining
from .nat_status import NatStatus, nat_status
from .offers import Offers
from .overlay.dialing import Connected
from .overlay.line import Line
from .overlay.overlay import Overlay
from .path_words import path_facts, relay_of
from .peer_events import PeerEvents
from .pump import Pump
from .relay_status import relay_status
from .results import NodeStatus, PeerEvent, PeerStatus, PortMappingStatus
from .values import Values
from .watches import Watches

if TYPE_CHECKING:
    from .port_mapping.service import PortMapping

logger = logging.getLogger(__name__)

R = TypeVar("R")
Peer = str | NodeId

NAMES_AT_ONCE = 64
"""Names looked up for one listing; each is a lookup, most of them answered by this node's own store."""

NAMES_MAX = 4096
"""Names of peers remembered for people to read; about 150 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who a node is and where it looks for others, as it was when it started."""

    identity: Identity
    name: str
    offers: Offers
    home: Path | None
    registries: tuple[str, ...]
    bootstrap_peers: tuple[Endpoint, ...]
    config: NodeConfig


class Service(Protocol):
    """Something that runs as long as the node does."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Running:
    """Everything that exists only between start and stop."""

    def __init__(
        self, node: Profile, host: Host, conversations: Conversations, services: Sequence[Service]
    ) -> None:
        self._node = node
        self._config = node.config
        self._conversations = conversations
        self._services = services
        self.host = host
        self.endpoint = host.endpoint
        self.waiting = Waiting()
        self.random = host.random()
        self.overlay = Overlay(
            node.identity,
            node.config.overlay,
            random=self.random,
            entropy=self.host.entropy,
            now=self.host.now(),
            # What a TURN server relays is UDP.
            tcp_port=0 if node.config.host.turn else self.endpoint.port,
            families=families_of(host.local_endpoints()),
        )
        self.overlay.reach.own_endpoints = host.local_endpoints()
        self.port_mapping: PortMapping | None = None
        if node.config.port_mapping:
            asks = (node.config.mapping, node.identity.derive("port mapping"), self._port_given)
            self.port_mapping = host.port_mapping(*asks)
        if self.port_mapping is not None:
            self._services = [*services, self.port_mapping]
            self.overlay.reach.mapped_port.on_shut = self.port_mapping.renew
        self.pump = Pump(self.overlay, self.host, self.host)
        self.events = PeerEvents(node.config.pending_events_max)
        self.clients = [host.registry(url) for url in node.registries]
        parts = (node.identity, self.overlay.dht, host, node.config, self.waiting)
        self.directory = Directory(*parts, self.pump.kick, self.clients)
        self.values = Values(*parts, self.directory, self.pump.kick)
        self.watches = Watches(self.overlay.dht, host, node.config, self.pump.kick)
        self.joining = Joining(
            self.overlay.dht,
            host,
            node.config,
            self.waiting,
            self.random,
            self._connect,
            self._contacts_of,
            self.host.run,
            self.pump.kick,
            disk=host.disk(node.home),
            peers=node.bootstrap_peers,
            registries=self.clients,
        )
        described = (node, host, self.overlay, self.directory, node.config)
        self.announcing = Announcing(*described, self.random, self.clients)
        self.overlay.dht.naming.here = self.announcing.endpoints
        self._pinging: dict[Line, list[Callable[[float | None, MeshError | None], None]]] = {}
        self._names: dict[NodeId, str] = {}
        self._providers_known: dict[str, tuple[float, list[NodeRecord]]] = {}
        self._started = self.host.now()

    async def start(self) -> None:
        """Open for business, join, publish."""
        self._conversations.open(self.overlay, self.host, self.pump.kick)
        self.overlay.on_peer = self._peer_changed
        self.host.start(self.pump)
        await self.host.ready()
        for service in self._services:
            await service.start()
        for presence in self.announcing.presences:
            await presence.start()
        await self.joining.join()
        self.joining.save()
        self._announce()
        self.host.run(self.joining.stay(self._announce))

    async def stop(self) -> None:
        """Undo `start`; safe at any point of it. Whoever waits for something is told first."""
        self._conversations.close()
        self.waiting.close()
        self.watches.close()
        self.directory.stop()
        for service in self._services:
            await service.stop()
        for presence in self.announcing.presences:
            await presence.stop()
        for client in self.clients:
            await client.close()
        self.joining.save()
        self.events.close()
        self.pump.close()
        await self.host.close()

    # this node

    def status(self) -> NodeStatus:
        """Return what people want to know of this node."""
        overlay = self.overlay
        return NodeStatus(
            node_id=self._node.identity.node_id.text,
            name=self._node.name,
            endpoints=[str(endpoint) for endpoint in self.announcing.endpoints()],
            nat=overlay.reach.kind.value,
            observed=[str(endpoint) for endpoint in overlay.reach.observations.endpoints()],
            port_mapping=self._port_mapping_status(),
            peers=len(overlay.lines),
            contacts=overlay.dht.size,
            records=len(overlay.dht.store),
            registry=self.announcing.registry,
            uuid=self.announcing.uuid,
            capabilities=list(self._node.offers),
            uptime_s=round(self.host.now() - self._started, 3),
            dropped=self._dropped(),
            relay=relay_status(overlay, self.announcing.relay.is_announced),
            dht=overlay.dht.statistics(),
        )

    def nat(self) -> NatStatus:
        """Return what this node knows about being reached."""
        mapped, now = self._port_mapping_status(), self.host.now()
        return nat_status(self.overlay, self.announcing.endpoints(), self._name_of, mapped, now)

    def _port_mapping_status(self) -> PortMappingStatus | None:
        doubt = self.overlay.reach.mapped_port.doubt
        return None if self.port_mapping is None else self.port_mapping.status(doubt)

    def _dropped(self) -> dict[str, int]:
        dropped = self.overlay.dropped_by_reason()
        return dropped if self.port_mapping is None else {**dropped, **self.port_mapping.dropped}

    def _port_given(self, endpoint: Endpoint | None) -> None:
        """Have a port tested that the router opened, or forget one that it closed."""
        self.overlay.reach.mapped_port.give(endpoint, self.host.now())
        self.pump.kick()

    # peers

    def line_now(self, peer: Peer) -> Line | None:
        """Return the line to a peer given by its id, if there is one."""
        if isinstance(peer, str):
            if len(peer) != 52:
                return None
            peer = NodeId.parse(peer)
        return self.overlay.lines.find(peer)

    async def line_to(self, peer: Peer, timeout_s: float, message: bytes = b"") -> Line:
        """Return a line to a peer given by id, short id, name or uuid, making one if needed.

        A message may arrive with the call: the line's `taken_early` says whether it did.
        """
        line = self.line_now(peer)
        if line is not None:
            return line
        return await self._line_of(await self.directory.resolve(str(peer), timeout_s), timeout_s, message)

    async def with_line(
        self,
        to: Peer | None,
        capability: str | None,
        timeout_s: float,
        use: Callable[[Line, float], Awaitable[R]],
    ) -> R:
        """Use a line to one peer, or to the first reachable agent with a capability, within the time given.

        A peer that forgot the session (it restarted) is called again once: nothing of the request was kept there.
        """
        deadline = self.host.now() + timeout_s
        for attempt in range(2):
            line = await self._chosen_line(to, capability, deadline - self.host.now())
            try:
                return await use(line, deadline - self.host.now())
            except NoPath:
                if attempt or line.session.closed != "reset":
                    raise
        raise AssertionError("a second attempt returns or raises")

    async def ping(self, line: Line, timeout_s: float) -> float:
        """Measure one round trip."""

        def begin(done: Callable[[float | None, MeshError | None], None]) -> None:
            self._pinging.setdefault(line, []).append(done)
            line.session.on_pong = lambda rtt_s: self._answered(line, rtt_s, None)
            self.overlay.ping(line, self.host.now())
            self.pump.kick()

        return await self.waiting.outcome_of(begin, f"answer from {line.node_id.short}", timeout_s)

    def _answered(self, line: Line, rtt_s: float | None, error: MeshError | None) -> None:
        """Tell all that ping this peer."""
        for done in self._pinging.pop(line, ()):
            done(rtt_s, error)

    async def learn_names(self, timeout_s: float) -> None:
        """Look up what the peers call themselves, for people to read; those that say nothing stay without a name."""
        unknown = [
            line.node_id.text for line in self.overlay.lines.current() if line.node_id not in self._names
        ]
        lookups = (self.directory.resolve(node_id, timeout_s) for node_id in unknown[:NAMES_AT_ONCE])
        for record in await asyncio.gather(*lookups, return_exceptions=True):
            if isinstance(record, NodeRecord):
                self._remember_name(record)

    def peers(self) -> list[PeerStatus]:
        """Return what people want to know of each session."""
        return [self._peer_status(line) for line in self.overlay.lines.current()]

    def _peer_status(self, line: Line) -> PeerStatus:
        session, facts = line.session, path_facts(self.overlay, line, self.host.now())
        relay = relay_of(self.overlay, line)
        return PeerStatus(
            node_id=line.node_id.text,
            name=self._name_of(line.node_id),
            path=facts.kind,
            endpoint=str(session.path),
            rtt_ms=None if session.rtt_s is None else round(session.rtt_s * 1000, 3),
            tx_bytes=session.tx_bytes,
            rx_bytes=session.rx_bytes,
            why=facts.why,
            via=None if relay is None else relay.text,
            via_name="" if relay is None else self._name_of(relay),
        )

    async def _chosen_line(self, to: Peer | None, capability: str | None, timeout_s: float) -> Line:
        if to is not None:
            return await self.line_to(to, timeout_s)
        if capability is None:
            raise ConfigError(
                "to", "say which peer, or which capability", "request(..., to=PEER) or capability=NAME"
            )
        return await self._provider_line(capability, timeout_s)

    async def _provider_line(self, capability: str, timeout_s: float) -> Line:
        """Return a line to some agent with the capability: one with a session first, else whichever answers."""
        deadline = self.host.now() + timeout_s
        providers = await self._providers(capability, timeout_s)
        self.random.shuffle(providers)
        for provider in providers:
            line = self.overlay.lines.find(provider.node_id)
            if line is not None:
                return line
        for provider in providers:
            left_s = deadline - self.host.now()
            if left_s <= 0:
                raise DeadlineExceeded(f"line to an agent with capability {capability}", timeout_s)
            try:
                return await self._line_of(provider, left_s)
            except (NoPath, HandshakeFailed) as error:
                logger.info("%s is passed over: %s", provider.node_id.short, error)
        self._providers_known.pop(capability, None)
        hint = f"`mesh99 find {capability}` lists those known; they may have stopped"
        raise LookupFailed(f"a reachable agent with capability {capability}", hint)

    async def _providers(self, capability: str, timeout_s: float) -> list[NodeRecord]:
        now = self.host.now()
        expires, known = self._providers_known.get(capability, (0.0, []))
        if now >= expires or not known:
            found = await self.directory.find(capability, Conditions(), timeout_s)
            known = [provider.agent for provider in found]
            if len(self._providers_known) >= NAMES_MAX:
                self._providers_known.clear()
            self._providers_known[capability] = (now + self._config.providers_cached_s, known)
        return [record for record in known if record.node_id != self._node.identity.node_id]

    async def _line_of(self, record: NodeRecord, timeout_s: float, message: bytes = b"") -> Line:
        self._remember_name(record)
        contacts = self._contacts_of(record)
        if record.node_id == self._node.identity.node_id:
            raise ConfigError("to", "that is this node itself", "name another peer")
        if not contacts:
            raise NoPath(record.node_id.short)
        return await self._connect(
            contacts[0],
            *(contact.endpoint for contact in contacts[1:]),
            relays=record.relays,
            timeout_s=timeout_s,
            message=message,
        )

    def _contacts_of(self, record: NodeRecord) -> list[Contact]:
        own = self.host.local_endpoints()
        families = families_of(own)
        known = contacts_of(record, frozenset(endpoint.host for endpoint in own))
        return [contact for contact in known if contact.family & families]

    async def _connect(
        self,
        peer: Contact | Endpoint,
        *others: Endpoint,
        relays: Sequence[Contact] = (),
        timeout_s: float | None = None,
        message: bytes = b"",
    ) -> Line:
        def begin(done: Connected) -> None:
            self.overlay.connect(peer, self.host.now(), done, *others, relays=relays, message=message)
            self.pump.kick()

        limit_s = self._config.overlay.dial_timeout_s + 1.0
        limit_s = limit_s if timeout_s is None else timeout_s
        return await self.waiting.outcome_of(begin, "answer to the call", limit_s)

    def _peer_changed(self, line: Line, came: bool) -> None:
        if not came:
            self._conversations.peer_lost(line)
            self._answered(line, None, NoPath(line.node_id.short))
        kind = "came" if came else "gone"
        self.events.add(PeerEvent(kind=kind, node_id=line.node_id.text, name=self._name_of(line.node_id)))

    def _announce(self) -> None:
        self.announcing.announce()
        self.joining.note_published()

    # names for people

    def _name_of(self, node_id: NodeId) -> str:
        return self._names.get(node_id, "")

    def _remember_name(self, record: NodeRecord) -> None:
        if len(self._names) >= NAMES_MAX:
            self._names.clear()
        self._names[record.node_id] = record.name
