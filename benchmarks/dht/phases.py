"""What one process does in each phase of a network's life, for the nodes that are its own.

All processes draw the same plan from the same seed - who puts and who gets what, who is killed - and each carries out
what falls to its own nodes. So the operations are the same, however many processes share the nodes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..quiet import resident_mb
from .samples import Sample
from .systems import Network
from .ways import Address

VALUE_BYTES = 100
IN_FLIGHT = 32
IN_FLIGHT_AFTER_KILL = 8
IN_FLIGHT_WAN = 8  # one at a time, 200 puts that wait for distance would take a minute
GETS_IN_FLIGHT_PER_KEY = 3
KILLED_SHARE = 0.2
SETTLE_S = 4.0  # between joining and the first put, for what a system still does in the background
WARM_UP_PUTS_PER_NODE = 8
OPERATION_TIMEOUT_S = 30.0

Answer = dict[str, Any]
Question = dict[str, Any]
Operation = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a network is, how much is asked of it, and which part of it this process is."""

    nodes: int
    budget_s: float
    net: str
    seed: int
    processes: int
    process: int

    @property
    def own_nodes(self) -> range:
        """The numbers of this process's nodes."""
        return range(self.process, self.nodes, self.processes)

    @property
    def in_flight(self) -> int:
        """Operations under way where latency is measured, which the processes do one after the other."""
        return IN_FLIGHT_WAN if self.net == "wan" else 1

    def share_of(self, in_flight: int) -> int:
        """Return how many operations this process has under way where all have so many together."""
        return max(1, in_flight // self.processes)


SETTINGS = tuple(each.name for each in fields(Settings))


class Life:
    """The nodes of this process, from the first to the last."""

    def __init__(self, network: Network, settings: Settings) -> None:
        self._network = network
        self._settings = settings
        self._random = random.Random(settings.seed)
        self._alive = list(range(settings.nodes))
        self._values: dict[str, str] = {}
        self._putters: dict[str, int] = {}
        self._empty_mb = 0.0

    async def first(self, question: Question) -> Answer:
        """Start our own first node: the first of all, or one that joins it. Weigh what is there before the others."""
        way_in = await self._network.join([self._settings.own_nodes[0]], address(question["way_in"]))
        self._empty_mb = resident_mb(os.getpid())
        return {"way_in": way_in}

    async def join(self, question: Question) -> Answer:
        """Time how long all other nodes take to join."""
        start = time.perf_counter()
        await self._network.join(self._settings.own_nodes[1:], address(question["way_in"]))
        return {"join_s": time.perf_counter() - start}

    async def settle(self, question: Question) -> Answer:
        """Leave time for what a system still does in the background."""
        await asyncio.sleep(SETTLE_S)
        # A collection of the garbage of all nodes at once is a pause that no node of its own process has.
        gc.collect()
        gc.freeze()
        return {}

    async def put(self, question: Question) -> Answer:
        """Put as many new keys as are asked for; those before are gone as far as we are concerned."""
        self._values = {
            f"{question['name']} {number}": self._random.randbytes(VALUE_BYTES // 2).hex()
            for number in range(question["keys"])
        }
        self._putters = {key: self._random.choice(self._alive) for key in self._values}
        stored: list[str] = []
        plan = [self._put_of(key, stored) for key, node in self._putters.items() if self._is_own(node)]
        return await self._run(plan, self._settings.in_flight) | {"stored": stored}

    async def get(self, question: Question) -> Answer:
        """Get every key that was stored."""
        return await self._run(self._gets(question["stored"]), self._settings.in_flight)

    async def get_many(self, question: Question) -> Answer:
        """Get every stored key three times with 32 under way; weigh the nodes after it."""
        keys = [*question["stored"]] * GETS_IN_FLIGHT_PER_KEY
        self._random.shuffle(keys)
        answer = await self._run(self._gets(keys), self._settings.share_of(IN_FLIGHT))
        return answer | {"grown_mb": resident_mb(os.getpid()) - self._empty_mb}

    async def kill(self, question: Question) -> Answer:
        """Kill a fifth of the nodes silently."""
        dead = set(self._random.sample(self._alive, round(KILLED_SHARE * self._settings.nodes)))
        await self._network.kill([node for node in dead if self._is_own(node)])
        self._alive = [node for node in self._alive if node not in dead]
        return {}

    async def get_after_kill(self, question: Question) -> Answer:
        """Get every stored key from those alive, 8 under way: the first pass over the gaps."""
        gets = self._gets(question["stored"])
        return await self._run(gets, self._settings.share_of(IN_FLIGHT_AFTER_KILL))

    def _is_own(self, node: int) -> bool:
        return node in self._settings.own_nodes

    def _put_of(self, key: str, stored: list[str]) -> Operation:
        async def operation() -> bool:
            done = await self._network.put(self._putters[key], key, self._values[key].encode())
            if done:
                stored.append(key)
            return done

        return operation

    def _gets(self, keys: Iterable[str]) -> list[Operation]:
        """Let somebody else than who put it get each key; return what falls to our own nodes."""
        readers = [
            (key, self._random.choice([node for node in self._alive if node != self._putters[key]]))
            for key in keys
        ]
        return [self._get_of(key, node) for key, node in readers if self._is_own(node)]

    def _get_of(self, key: str, node: int) -> Operation:
        async def operation() -> bool:
            return await self._network.get(node, key) == self._values[key].encode()

        return operation

    async def _run(self, operations: list[Operation], in_flight: int) -> Answer:
        """Run operations with so many under way; none is begun after the budget is spent."""
        sample = Sample()
        waiting = iter(operations)
        begin = time.perf_counter()

        async def worker() -> None:
            for operation in waiting:
                if time.perf_counter() - begin > self._settings.budget_s:
                    return
                succeeded, took_s = await timed(operation)
                sample.succeeded += succeeded
                sample.seconds.append(took_s)

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        sample.elapsed_s = time.perf_counter() - begin
        return sample.as_json()


def address(way_in: Sequence[Any] | None) -> Address | None:
    """Read where a node is reached from a question."""
    return None if way_in is None else (way_in[0], way_in[1])


async def timed(operation: Operation) -> tuple[bool, float]:
    """Run an operation; return whether it succeeded and how long it took. Whatever a system raises is a failure."""
    start = time.perf_counter()
    try:
        async with asyncio.timeout(OPERATION_TIMEOUT_S):
            start = time.perf_counter()  # a time-out takes as long to set as a third of a packet
            succeeded = await operation()
            return succeeded, time.perf_counter() - start
    except Exception:
        return False, time.perf_counter() - start


PHASES: dict[str, Callable[[Life, Question], Awaitable[Answer]]] = {
    "first": Life.first,
    "join": Life.join,
    "settle": Life.settle,
    "put": Life.put,
    "get": Life.get,
    "get many": Life.get_many,
    "kill": Life.kill,
    "get after kill": Life.get_after_kill,
}
