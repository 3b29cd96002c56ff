"""A peer that is a mesh99 node; run as `python mesh_peer.py SETTINGS`, see `peer.py` and `mesh.py`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from mesh99.dht import DhtConfig
from mesh99.nat.behaviour import NatKind
from mesh99.node import LookupFailed, MeshError, Message, Node, NodeConfig, NodeRecord, NoPath
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.early_messages import EarlyMessages
from mesh99.node.overlay.line import Line
from mesh99.node.running import Running
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import RELAY

SETTLED_S = 20.0
QUIET_S = 0.5  # for the record that names the relays to reach its holders
CONNECT_S = 10.0
UPGRADE_S = 6.0  # how long a relayed line may take to become a direct one
INTERVAL_S = 0.01
EARLY, END = "early", "end"
KINDS = {RELAY: "relay", "tcp": "tcp"}


class Greeting(Message, idempotent=True):
    """One of many: what kind of path the caller's line had when it was sent; `early` had none, `end` is the last."""

    path: str


class Ear:
    """Notes when the first greeting came, and the first on the path that the last ones came by."""

    def __init__(self, node: Node) -> None:
        self.first_s: float | None = None
        self.final_s: float | None = None
        self.path = self.first_path = self._early_path = "none"
        self.ended = asyncio.Event()
        node.on(Greeting)(self.hear)

    def listen(self, early: EarlyMessages) -> None:
        """Note on what kind of path a greeting comes that rides in a first packet."""
        take = early.on_message

        def noted(sender: Contact, message: bytes) -> bool:
            self._early_path = KINDS.get(sender.endpoint.transport, "direct")
            return take(sender, message)

        early.on_message = noted

    async def hear(self, greeting: Greeting) -> None:
        """Take note of one."""
        now = time.monotonic()
        path = self._early_path if greeting.path == EARLY else greeting.path
        if self.first_s is None:
            self.first_s, self.first_path = now, path
        if path == END:
            self.ended.set()
        elif path != self.path:
            self.path, self.final_s = path, now


async def main(settings: dict[str, Any]) -> None:
    """Be a node: settle, wait for the word, then call or be called."""
    # A visitor stands in no table: in so small a network all would know each other before they are told to.
    config = NodeConfig(overlay=OverlayConfig(checks_reach=True, dht=DhtConfig(ephemeral=True)))
    node = Node(listen=settings["listen"], registries=[], peers=settings["peers"], config=config)
    ear, start = Ear(node), settings["start"]
    if start == "cold":
        other = await introduced(ready=node.node_id.text)
        if not await told_to_go():
            return
        async with node:
            await play(node, ear, settings, other)
        return
    async with node:
        await settled(node)
        peers = [peer.node_id for peer in node.peers()]
        other = await introduced(ready=node.node_id.text, nat=node.status().nat, peers=peers)
        known = await looked_up(node, other) if start == "warm" else None
        if await told_to_go():
            await play(node, ear, settings, other, known)


async def looked_up(node: Node, other: str) -> NodeRecord:
    """Find the other's record, which may have been published a moment ago."""
    deadline = time.monotonic() + SETTLED_S
    while True:
        try:
            return await running(node).directory.resolve(other, CONNECT_S)
        except LookupFailed:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(INTERVAL_S)


async def introduced(**words: Any) -> str:
    """Say that this end is ready, and hear who the other is."""
    tell(**words)
    word = await heard()
    return "" if word is None else str(word["other"])


async def told_to_go() -> bool:
    """Say that all is prepared, and wait for the word; false when the lab is gone."""
    tell(set=True)
    return await heard() is not None


async def play(
    node: Node, ear: Ear, settings: dict[str, Any], other: str, known: NodeRecord | None = None
) -> None:
    """Call or be called, tell how it went, and stay until the lab has heard of the other end."""
    if settings["role"] == "caller":
        tell(**await call(node, other, known, once=settings["once"]))
    else:
        ear.listen(running(node).overlay.early_messages)
        tell(**await be_called(node, ear, other))
    await heard()


async def settled(node: Node) -> None:
    """Wait until the node knows its box, and has relays if it needs some."""
    overlay = running(node).overlay
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline:
        is_open = overlay.reach.kind is NatKind.OPEN
        if is_open or overlay.relaying.reservations.granted(time.monotonic()):
            break
        await asyncio.sleep(INTERVAL_S)
    await asyncio.sleep(QUIET_S)


def running(node: Node) -> Running:
    """Look inside: where a line goes and what a node waits for is nothing that agents ask."""
    assert node._running is not None
    return node._running


async def call(node: Node, other: str, known: NodeRecord | None, *, once: bool) -> dict[str, Any]:
    """Call the other node and greet it until the line is direct, or is not going to be; in the call itself, too, unless
    nothing may come more than `once`."""
    greeting = b"" if once else node.conversations.early(Greeting(path=EARLY)).data
    try:
        line = await line_to(node, other, known, greeting)
    except MeshError as error:
        return {"path": "none", "error": str(error)}
    deadline = time.monotonic() + UPGRADE_S
    while True:
        path = line.path_kind
        await node.send(Greeting(path=path), to=other)
        if path in ("direct", "tcp") or time.monotonic() > deadline:
            break
        await asyncio.sleep(INTERVAL_S)
    await node.send(Greeting(path=END), to=other)
    return {"path": path}


async def line_to(node: Node, other: str, known: NodeRecord | None, greeting: bytes) -> Line:
    """Call; again and again while nothing is known of the other, which may be about to say where it is."""
    if known is not None:
        return await running(node)._line_of(known, CONNECT_S, greeting)
    deadline = time.monotonic() + CONNECT_S
    while True:
        try:
            return await running(node).line_to(other, CONNECT_S, greeting)
        except (LookupFailed, NoPath):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(INTERVAL_S)


async def be_called(node: Node, ear: Ear, other: str) -> dict[str, Any]:
    """Listen until the caller has ended, then wait a little until the own way is no worse than the caller's."""
    try:
        await asyncio.wait_for(ear.ended.wait(), CONNECT_S + UPGRADE_S + 1)
    except TimeoutError:
        return {"path": "none"}
    for _ in range(100):
        if (own := path_to(node, other)) == ear.path:
            break
        await asyncio.sleep(INTERVAL_S)
    return {"path": own, "first_path": ear.first_path, "first_s": ear.first_s, "final_s": ear.final_s}


def path_to(node: Node, other: str) -> str:
    """Name the kind of path that a node's line to another has."""
    return next((peer.path for peer in node.peers() if peer.node_id == other), "none")


async def heard() -> dict[str, Any] | None:
    """Wait for the next word of the lab; None when there are no more."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


def tell(**words: Any) -> None:
    """Say a line to the lab."""
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
