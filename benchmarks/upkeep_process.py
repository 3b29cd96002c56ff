"""A measured process of the upkeep benchmark: the crowd (all nodes but one), or the one node that is looked at."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from mesh99.node import Node

from .child import Parent
from .loops import run
from .quiet import resident_mb

JOINS_AT_ONCE = 8


async def start_crowd(count: int) -> list[Node]:
    """Start nodes that all join through the first."""
    first = Node("node 0", capabilities=["work"], registries=())
    await first.start()
    peers = (str(first.endpoints[0]),)
    nodes = [Node(f"node {number}", registries=(), peers=peers) for number in range(1, count)]
    for begin in range(0, len(nodes), JOINS_AT_ONCE):
        await asyncio.gather(*(node.start() for node in nodes[begin : begin + JOINS_AT_ONCE]))
    return [first, *nodes]


async def run_crowd(parent: Parent) -> None:
    """Keep the crowd up until the parent ends it."""
    nodes = await start_crowd(parent.settings["nodes"])
    parent.answer({"peer": str(nodes[0].endpoints[0])})
    async for _ in parent.questions():
        parent.answer({"sessions": [len(node.peers()) for node in nodes]})
    await asyncio.gather(*(node.stop() for node in nodes))


async def join_once(peer: str) -> tuple[Node, float]:
    """Start the node that is looked at; return it and how long it took."""
    node = Node("looked at", registries=(), peers=(peer,))
    began = time.perf_counter()
    await node.start()
    return node, time.perf_counter() - began


async def run_node(parent: Parent) -> None:
    """Join some times with a new key each, then be at rest and measured."""
    joins_s: list[float] = []
    for _ in range(parent.settings["joins"] - 1):
        node, join_s = await join_once(parent.settings["peer"])
        await node.stop()
        joins_s.append(join_s)
    node, join_s = await join_once(parent.settings["peer"])
    parent.answer({"joins_s": [*joins_s, join_s]})
    async for question in parent.questions():
        parent.answer(await rest(node, question["seconds"]))
    await node.stop()


async def rest(node: Node, seconds: float) -> dict[str, Any]:
    """Do nothing, and tell what that costs."""
    before, busy_s, began = traffic(node), time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed_s = time.perf_counter() - began
    after = traffic(node)
    moved = [after[peer] - before[peer] for peer in after if peer in before]
    return {
        "cpu_share": (time.process_time() - busy_s) / elapsed_s,
        "bytes_per_s_per_peer": sum(moved) / len(moved) / elapsed_s if moved else None,
        "sessions": len(after),
        "contacts": node.status().contacts,
        "rss_mb": resident_mb(),
    }


def traffic(node: Node) -> dict[str, int]:
    """Return the bytes that went both ways, by peer."""
    return {peer.node_id: peer.tx_bytes + peer.rx_bytes for peer in node.peers()}


async def main(parent: Parent) -> None:
    """Play the part that the parent asks for; what goes wrong is the answer."""
    try:
        await (run_crowd if parent.settings["part"] == "crowd" else run_node)(parent)
    except Exception as error:
        parent.answer({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    the_parent = Parent()
    run(main(the_parent), the_parent.settings["loop"])
