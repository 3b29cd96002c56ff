"""The Node: one agent's place in the network.

    node = Node(name="writer", capabilities=["summarize"])

    @node.on(Summarize)
    async def summarize(request: Summarize) -> Summary: ...

    async with node:
        reply = await node.request(Summarize(text="..."), capability="summarize")

A Node puts an Overlay on the real world (asyncio_host.py), typed messages on the Overlay's lines (conversations.py) and
a directory on its DHT (directory.py). It joins through registries, given peers and saved contacts, all at once
(joining.py).
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from ..wire.endpoint import Endpoint
from ..wire.errors import AlreadyStarted, ConfigError, NodeClosed
from ..wire.identity import Identity, NodeId
from ..wire.identity_file import load_or_create
from ..wire.node_record import NodeRecord
from .asyncio_host import AsyncioHost, HostConfig
from .conditions import Conditions
from .config import NodeConfig, registries_or_default
from .conversations import Conversations, typed_reply
from .host import Host
from .messages import Message
from .nat_status import NatStatus
from .offers import Capabilities, checked_of, offers_of
from .providers import Provider
from .results import (
    AgentEvent,
    Answer,
    Explained,
    Found,
    Hop,
    NodeStatus,
    PeerEvent,
    PeerStatus,
    Stored,
    ValueEvent,
)
from .running import Profile, Running, Service

T = TypeVar("T", bound=Message)
Handler = TypeVar("Handler", bound=Callable[..., Any])
Peer = str | NodeId


class Node:
    """Be an agent in the network: offer capabilities, find other agents, talk to them."""

    def __init__(
        self,
        name: str = "",
        capabilities: Capabilities = (),
        *,
        home: Path | str | None = None,
        listen: str = "127.0.0.1:0",
        registries: Sequence[str] | None = None,
        peers: Sequence[str] = (),
        config: NodeConfig | None = None,
        identity: Identity | None = None,
        host: Callable[[HostConfig], Host] = AsyncioHost,
    ) -> None:
        self.name = name
        self.offers = offers_of(capabilities)
        self.home = Path(home) if home is not None else None
        self.listen = listen
        self.registries = registries_or_default(registries)
        self.bootstrap_peers = tuple(Endpoint.parse(peer) for peer in peers)
        self.config = config or NodeConfig()
        self.conversations = Conversations(self.config)
        self._host = host
        self._identity = identity
        self._running: Running | None = None

    # life

    @property
    def identity(self) -> Identity:
        """This node's key: the one given, or from its home, where it is made at the first use, or in memory only."""
        if self._identity is None:
            home = self.home
            self._identity = (
                load_or_create(home, os.urandom) if home is not None else Identity.generate(os.urandom)
            )
        return self._identity

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What this node offers."""
        return tuple(self.offers)

    @property
    def node_id(self) -> NodeId:
        """This node's id."""
        return self.identity.node_id

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where this node can be reached; empty before it runs."""
        return self._running.announcing.endpoints() if self._running is not None else ()

    @property
    def uuid(self) -> str | None:
        """The uuid a registry gave to this node, if one did."""
        return self._running.announcing.uuid if self._running is not None else None

    def on(self, message_type: type[Message]) -> Callable[[Handler], Handler]:
        """Register the decorated function as the handler of a message type."""

        def register(handler: Handler) -> Handler:
            self.conversations.on(message_type, handler)
            return handler

        return register

    async def start(self) -> None:
        """Bind, join and publish; returns when the node can be used, alone if no peer answers yet."""
        if self._running is not None:
            raise AlreadyStarted()
        host = self._host(self.config.host)
        host.bind(self.listen)
        running: Running | None = None
        try:
            self._running = running = Running(self._profile(), host, self.conversations, self._services())
            await running.start()
            if self._running is not running:
                raise NodeClosed("start")
        except BaseException:
            if self._running is running:
                self._running = None
            if running is not None:
                await running.stop()
            await host.close()
            raise

    def _profile(self) -> Profile:
        return Profile(
            identity=self.identity,
            name=self.name,
            offers=self.offers,
            home=self.home,
            registries=tuple(self.registries),
            bootstrap_peers=tuple(self.bootstrap_peers),
            config=self.config,
        )

    def _services(self) -> list[Service]:
        if self.home is None:
            return []
        # Its HTTP library costs 17 MB and 0.1 s, which a node without a home saves.
        from .control import ControlServer

        return [ControlServer(self, self.home)]

    async def stop(self) -> None:
        """Leave: withdraw from registries, say goodbye to peers, close everything."""
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    async def __aenter__(self) -> Node:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # talk

    async def request(
        self,
        message: Message,
        *,
        to: Peer | None = None,
        capability: str | None = None,
        timeout_s: float = 5.0,
        reply: type[T] | None = None,
    ) -> Any:
        """Ask one agent, or any that offers a capability, and return its typed reply.

        Raises RemoteRejected (with the field at fault) when the other side refuses, DeadlineExceeded, LookupFailed,
        NoPath.
        """
        running = self._require("send a request")
        line = running.line_now(to) if to is not None else None
        if line is not None:
            return typed_reply(await self.conversations.ask(line, message, timeout_s), reply)
        return await running.with_line(
            to,
            capability,
            timeout_s,
            lambda line, left_s: self.conversations.request(line, message, left_s, reply),
        )

    async def call(
        self,
        type_name: str,
        body: object,
        *,
        to: Peer | None = None,
        capability: str | None = None,
        timeout_s: float = 5.0,
    ) -> Answer:
        """Ask without a message class: type name and JSON-able body in, JSON-able reply out."""
        running = self._require("send a request")
        return await running.with_line(
            to,
            capability,
            timeout_s,
            lambda line, left_s: self.conversations.call(line, type_name, body, left_s),
        )

    async def send(self, message: Message, *, to: Peer) -> str:
        """Send a message without a reply; returns its id once the line to the peer has taken it."""
        running = self._require("send a message")
        line = running.line_now(to)
        if line is None:
            early = self.conversations.early(message)
            line = await running.line_to(to, self.config.connect_s, early.data)
            if early.data and line.taken_early == early.data:
                return f"{early.message_id:016x}"
        message_id = self.conversations.send(line, message)
        if self.conversations.is_full(line):
            await self.conversations.drained(line, self.config.drain_s)
        return f"{message_id:016x}"

    async def post(self, type_name: str, body: object, *, to: Peer, timeout_s: float = 5.0) -> str:
        """Send without a message class; returns the id once the peer has acknowledged the bytes."""
        running = self._require("send a message")
        line = await running.line_to(to, timeout_s)
        return f"{await self.conversations.post(line, type_name, body, timeout_s):016x}"

    # find

    def announce(self, capability: str, **attributes: object) -> None:
        """Change attributes of a capability of this node, as in `announce("translate", load=0.7)`; None takes one away.

        What comes within seconds of the last publication waits and goes with what follows (`DhtConfig.change_s_min`).
        """
        capability = capability.lower()
        if capability not in self.offers:
            raise ConfigError(
                "capability", f"this node does not offer {capability}", "name it in Node(capabilities=...)"
            )
        changed = {**self.offers[capability], **attributes}
        said = checked_of(capability, {name: value for name, value in changed.items() if value is not None})
        if said != self.offers[capability]:
            self.offers[capability] = said
            if self._running is not None:
                self._running.directory.changed(capability)

    async def find(self, capability: str, *where: str, timeout_s: float = 5.0) -> list[Provider]:
        """Return the agents that offer a capability, this one included, the last to say so first.

        `where` are conditions on attributes, all of which must be met: "version>=2", "tags=fr", "load<=0.8".
        """
        return await self._require("search").directory.find(capability, Conditions.parse(where), timeout_s)

    async def resolve(self, peer: str, *, timeout_s: float = 5.0) -> NodeRecord:
        """Return an agent's signed record by node id, short id, name or uuid."""
        return await self._require("resolve").directory.resolve(peer, timeout_s)

    async def put(self, key: str, value: str, *, timeout_s: float = 5.0) -> Stored:
        """Sign a value and keep it in the DHT for as long as this node runs, and a day longer."""
        return await self._require("put").values.put(key, value, timeout_s)

    async def get(self, key: str, *, timeout_s: float = 5.0) -> Found:
        """Return the newest value under a key, or the content of one; raises LookupFailed when there is none."""
        return await self._require("get").values.get(key, timeout_s)

    async def get_many(self, keys: Iterable[str], *, timeout_s: float = 5.0) -> dict[str, Found]:
        """Return the values of up to 512 keys, those that have one, with few requests where keys share holders.

        One holder of each key is believed: where several sign under a key, `get` hears more of them.
        """
        return await self._require("get_many").values.get_many(keys, timeout_s)

    async def put_content(self, value: str, *, timeout_s: float = 5.0) -> Stored:
        """Keep a value that cannot change under its hash; `get` reads it by the key in the answer."""
        return await self._require("put").values.put_content(value, timeout_s)

    async def delete(self, key: str, *, timeout_s: float = 5.0) -> Stored:
        """Take back the value that this node put under a key; holders remember that for as long as it would live."""
        return await self._require("delete").values.delete(key, timeout_s)

    def watch(self, capability: str, *where: str) -> AsyncGenerator[AgentEvent, None]:
        """Iterate over the agents that offer a capability, this one included, and their changes from then on.

        With conditions, as in `find`, those that come to meet them come, and those that no longer do are gone.
        One that stops without a word is gone when its record ends (`record_ttl_s`). The first step raises QueueFull
        when this node watches too much already.
        """
        return self._require("watch").watches.agents(capability, Conditions.parse(where))

    def watch_value(self, key: str) -> AsyncGenerator[ValueEvent, None]:
        """Iterate over the values under a key, one of each signer, and their changes from then on."""
        return self._require("watch").watches.values(key)

    async def trace(self, key: str, *, timeout_s: float = 10.0) -> list[Hop]:
        """Look a key up and return every question asked on the way."""
        return await self._require("trace").values.trace(key, timeout_s)

    async def explain_put(self, key: str, value: str, *, timeout_s: float = 5.0) -> Explained:
        """Put a value and return who was asked, what they said and who holds it."""
        return await self._require("put").values.explain_put(key, value, timeout_s)

    async def explain_get(self, key: str, *, timeout_s: float = 5.0) -> Explained:
        """Get a value and return who was asked and what they said."""
        return await self._require("get").values.explain_get(key, timeout_s)

    async def explain_find(self, capability: str, *where: str, timeout_s: float = 5.0) -> Explained:
        """Find agents by capability and return who was asked and what they said."""
        directory = self._require("search").directory
        return await directory.explain_find(capability, Conditions.parse(where), timeout_s)

    async def ping(self, peer: str, count: int = 1, *, timeout_s: float = 5.0) -> list[float]:
        """Return round-trip times to a peer, seconds."""
        running = self._require("ping")
        line = await running.line_to(peer, timeout_s)
        return [await running.ping(line, timeout_s) for _ in range(count)]

    # see

    async def learn_names(self, *, timeout_s: float = 1.0) -> None:
        """Look up the names of the peers, so that `peers` can tell them."""
        await self._require("look up names").learn_names(timeout_s)

    def peers(self) -> list[PeerStatus]:
        """Return the peers with a session, with the names known so far."""
        return self._require("list peers").peers()

    def status(self) -> NodeStatus:
        """Return what this node knows about itself."""
        return self._require("tell its status").status()

    def nat(self) -> NatStatus:
        """Return how this node is reached: the box in front of it, and its relays."""
        return self._require("tell how it is reached").nat()

    def events(self) -> AsyncIterator[PeerEvent]:
        """Iterate over peers that come and go, from now on."""
        return self._require("watch peers").events.watch()

    def _require(self, action: str) -> Running:
        if self._running is None:
            raise NodeClosed(action)
        return self._running
