"""A peer that is a mesh99 node; run as `python mesh_peer.py SETTINGS`, see `peer.py` and `mesh.py`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from mesh99.dht import DhtConfig
from mesh99.nat.behaviour import NatKind
from mesh99.node import MeshError, Message, Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.running import Running

SETTLED_S = 20.0
QUIET_S = 0.5  # for the record that names the relays to reach its holders
CONNECT_S = 10.0
UPGRADE_S = 6.0  # how long a relayed line may take to become a direct one
INTERVAL_S = 0.01
END = "end"


class Greeting(Message):
    """One of many: what kind of path the caller's line had when it was sent; `end` is the last."""

    path: str


class Ear:
    """Notes when the first greeting came, and the first on the path that the last ones came by."""

    def __init__(self, node: Node) -> None:
        self.first_s: float | None = None
        self.final_s: float | None = None
        self.path = "none"
        self.ended = asyncio.Event()
        node.on(Greeting)(self.hear)

    async def hear(self, greeting: Greeting) -> None:
        """Take note of one."""
        now = time.monotonic()
        self.first_s = now if self.first_s is None else self.first_s
        if greeting.path == END:
            self.ended.set()
        elif greeting.path != self.path:
            self.path, self.final_s = greeting.path, now


async def main(settings: dict[str, Any]) -> None:
    """Be a node: settle, wait for the word, then call or be called."""
    # A visitor stands in no table: in so small a network all would know each other before they are told to.
    config = NodeConfig(overlay=OverlayConfig(checks_reach=True, dht=DhtConfig(ephemeral=True)))
    node = Node(listen=settings["listen"], registries=[], peers=settings["peers"], config=config)
    ear = Ear(node)
    async with node:
        await settled(node)
        tell(ready=node.node_id.text, nat=node.status().nat, peers=[peer.node_id for peer in node.peers()])
        word = await heard()
        if word is None:
            return
        if settings["role"] == "caller":
            tell(**await call(node, word["go"]))
        else:
            tell(**await be_called(node, ear, word["go"]))
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


async def call(node: Node, other: str) -> dict[str, Any]:
    """Call the other node and greet it until the line is direct, or is not going to be."""
    try:
        line = await running(node).line_to(other, CONNECT_S)
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
    return {"path": own, "first_s": ear.first_s, "final_s": ear.final_s}


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
