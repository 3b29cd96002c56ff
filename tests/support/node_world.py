"""Whole nodes on loopback, all in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from mesh99.node import MeshError, Node

DEADLINE_S = 20.0


class Nodes:
    """Starts what a test wants; nodes that get no `peers` join through the first."""

    def __init__(self) -> None:
        self.started: list[Node] = []

    async def start(self, name: str = "", *, peers: tuple[str, ...] | None = None, **options: Any) -> Node:
        """Start a node without a registry."""
        node = self.make(name, peers=peers, **options)
        await node.start()
        return node

    def make(self, name: str = "", *, peers: tuple[str, ...] | None = None, **options: Any) -> Node:
        """Make a node that is stopped at the end, started or not."""
        if peers is None:
            peers = tuple(udp_of(node) for node in self.started[:1] if node.endpoints)
        options.setdefault("registries", ())
        node = Node(name, peers=peers, **options)
        self.started.append(node)
        return node

    async def stop(self) -> None:
        """Stop all."""
        await asyncio.gather(*(node.stop() for node in self.started))


def udp_of(node: Node) -> str:
    """Return where a node listens, as `peers=` takes it."""
    return str(node.endpoints[0])


async def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait for a condition; fails after a deadline that a passing run never sees."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        await asyncio.sleep(0.005)


async def until_done(ask: Callable[[], Awaitable[Any]], good: Callable[[Any], object] = bool) -> Any:
    """Ask until the answer is good, and return it; errors of the network count as no answer."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        answer = None
        with suppress(MeshError):
            answer = await ask()
        if answer is not None and good(answer):
            return answer
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s; the last answer was {answer}"
        await asyncio.sleep(0.02)
