"""A peer that streams to another while things happen to their networks; run as `python stream_peer.py SETTINGS`.

It speaks to the lab as in `peer.py`, with other words: see `events.py`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from mesh99.dht import DhtConfig
from mesh99.node import Message, Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.wire.endpoint import RELAY

sys.path.insert(0, str(Path(__file__).parent))
from mesh_peer import CONNECT_S, UPGRADE_S, heard, running, settled, tell

PAUSE_S = 0.02
REST_S = 5.0  # how long what is under way at the end may take
IDLE_S = 60.0  # how long a line rests before its upkeep is looked at for as long
SIZE_BYTES = 300


class Part(Message):
    """One of a stream."""

    number: int
    filling: str = "x" * SIZE_BYTES


async def main(settings: dict[str, Any]) -> None:
    """Settle, wait for the word, and stream or take a stream."""
    config = NodeConfig(overlay=OverlayConfig(checks_reach=True, dht=DhtConfig(ephemeral=True)))
    node = Node(listen=settings["listen"], registries=[], peers=settings["peers"], config=config)
    came: list[tuple[float, int]] = []

    async def take(part: Part) -> None:
        came.append((time.monotonic(), part.number))

    node.on(Part)(take)
    async with node:
        await settled(node)
        tell(ready=node.node_id.text)
        word = await heard()
        if word is None:
            return
        ways: list[tuple[float, str]] = []
        watching = asyncio.create_task(watch(node, word["go"], ways))
        if settings["role"] == "caller":
            tell(**await call(node, word["go"]))
            tell(sent=await stream(node, word["go"], word["stream_s"]), ways=ways)
        else:
            await heard()
            tell(came=came, ways=ways)
        if word["rests"]:
            tell(**await rest(node, word["go"]))
        watching.cancel()
        await heard()


async def call(node: Node, other: str) -> dict[str, Any]:
    """Call the other node; say by which way it is met, and through whom."""
    line = await running(node).line_to(other, CONNECT_S)
    until = time.monotonic() + UPGRADE_S
    while line.session.path.transport == RELAY and time.monotonic() < until:
        await asyncio.sleep(PAUSE_S)
    overlay = running(node).overlay
    circuit = overlay.relaying.circuits.at(line.session.path)
    relay = None if circuit is None else overlay.lines.find(circuit.relay)
    return {"path": line.path_kind, "relay": "" if relay is None else relay.endpoint.host}


async def stream(node: Node, other: str, seconds: float) -> int:
    """Send numbered messages for some time; return how many."""
    began, number = time.monotonic(), 0
    while time.monotonic() < began + seconds:
        await node.send(Part(number=number), to=other)
        number += 1
        await asyncio.sleep(max(0.0, began + number * PAUSE_S - time.monotonic()))
    await asyncio.sleep(REST_S)
    return number


async def watch(node: Node, other: str, ways: list[tuple[float, str]]) -> None:
    """Note each way that the line to the other takes."""
    while True:
        line = line_to(node, other)
        way = "none" if line is None else line.path_kind
        if not ways or ways[-1][1] != way:
            ways.append((time.monotonic(), way))
        await asyncio.sleep(PAUSE_S / 2)


async def rest(node: Node, other: str) -> dict[str, Any]:
    """Say what an idle line sends, bytes a second."""
    line = line_to(node, other)
    assert line is not None
    await asyncio.sleep(IDLE_S)
    sent_bytes = line.session.tx_bytes
    await asyncio.sleep(IDLE_S)
    return {"idle_bytes_per_s": (line.session.tx_bytes - sent_bytes) / IDLE_S}


def line_to(node: Node, other: str) -> Line | None:
    """Return the line to the other node."""
    return next((each for each in running(node).overlay.lines.current() if each.node_id.text == other), None)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
