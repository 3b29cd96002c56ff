"""A node with a terminal: what `mesh99 up` does once its options are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from ..nat.relay.config import RelayConfig
from ..nat.turn.account import TurnAccount
from ..node.config import registries_or_default
from ..node.node import Node
from ..node.offers import Capabilities, offers_of
from ..wire.endpoint import Endpoint
from .output import Environment, short
from .remembered_port import listen_again, remember
from .user_agent import load_agent

LISTEN = "0.0.0.0:0"

ALONE = "ready, alone so far: others join through a registry or with --peer H:P; Ctrl-C stops it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line says of the node; what it leaves out (None) is for an agent's program to say."""

    name: str | None
    capabilities: Capabilities | None
    registries: Sequence[str] | None
    peers: Sequence[str] | None
    listen: str | None
    network: str | None = None
    ephemeral: bool = False
    port_mapping: bool | None = None
    relay: RelayConfig | None = None
    """Whether and how much it relays for others."""
    turn: TurnAccount | None = None


async def run_node(environment: Environment, node: Node) -> None:
    """Run the node until this is cancelled."""
    async with node, _watched(environment, node):
        if node.config.host.turn is None:
            remember(environment.home, node.endpoints[0].port)
        announce(environment, node)
        await asyncio.Event().wait()


def prepared(environment: Environment, wishes: Wishes, agent: str | None) -> Node:
    """Make the node, or take the one of the agent's program; what was wished overrides what that says."""
    node = load_agent(agent) if agent else Node(listen=LISTEN)
    node.home = environment.home
    if wishes.name is not None:
        node.name = wishes.name
    if wishes.capabilities is not None:
        node.offers = offers_of(wishes.capabilities)
    if wishes.registries is not None:
        node.registries = registries_or_default(wishes.registries)
    if wishes.peers is not None:
        node.bootstrap_peers = tuple(Endpoint.parse(peer) for peer in wishes.peers)
    if wishes.network is not None:
        overlay = replace(node.config.overlay, network=wishes.network)
        node.config = replace(node.config, overlay=overlay)
    if wishes.ephemeral:
        overlay = node.config.overlay
        overlay = replace(overlay, dht=replace(overlay.dht, ephemeral=True))
        node.config = replace(node.config, overlay=overlay)
    if wishes.port_mapping is not None:
        node.config = replace(node.config, port_mapping=wishes.port_mapping)
    if wishes.relay is not None:
        node.config = replace(node.config, overlay=replace(node.config.overlay, relay=wishes.relay))
    if wishes.turn is not None:
        # A router's port would lead to a socket that is not used.
        node.config = replace(
            node.config, host=replace(node.config.host, turn=wishes.turn), port_mapping=False
        )
    node.listen = listen_again(environment.home, wishes.listen or node.listen)
    return node


def announce(environment: Environment, node: Node) -> None:
    """Say what is running and where it listens."""
    endpoints = [str(endpoint) for endpoint in node.endpoints]
    document = {"node_id": node.node_id.text, "name": node.name, "endpoints": endpoints}
    if environment.as_json:
        environment.document(document, one_line=True)
        return
    environment.fields(
        [
            ("name", node.name or "-"),
            ("node id", node.node_id.text),
            ("capabilities", ", ".join(node.capabilities) or "-"),
            ("endpoints", "  ".join(endpoints)),
            ("home", str(environment.home)),
        ]
    )
    peers = len(node.peers())
    environment.note(f"ready, peers: {peers}; Ctrl-C stops it" if peers else ALONE)


@asynccontextmanager
async def _watched(environment: Environment, node: Node) -> AsyncIterator[None]:
    """Tell of peers that come and go, to a person who may be looking."""
    if not (environment.verbose or environment.stderr.isatty()):
        yield
        return
    watcher = asyncio.create_task(_tell_events(environment, node))
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def _tell_events(environment: Environment, node: Node) -> None:
    async for event in node.events():
        sign = "+" if event.kind == "came" else "-"
        environment.note(f"{sign} {short(event.node_id)} {event.name}".rstrip() + f" {event.kind}")
