"""The phases of one network's life, in order; each returns its figures."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any

from ..figures import percentile
from ..quiet import resident_mb
from .systems import Network

VALUE_BYTES = 100
IN_FLIGHT = 32
IN_FLIGHT_AFTER_KILL = 8
IN_FLIGHT_WAN = 8  # one at a time, 200 puts that wait for distance would take a minute
GETS_IN_FLIGHT_PER_KEY = 3
KILLED_SHARE = 0.2
SETTLE_S = 1.0  # between joining and the first put, for what a system still does in the background
OPERATION_TIMEOUT_S = 30.0
MIB_PER_MB = 1e6 / 2**20

Figures = dict[str, Any]
Operation = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class Sample:
    """What a row of operations gave."""

    seconds: list[float] = field(default_factory=list)
    succeeded: int = 0
    elapsed_s: float = 0.0

    def figures(self, name: str) -> Figures:
        """Name the figures: latencies of all operations, failed ones too, and the share that succeeded."""
        done = len(self.seconds)
        return {
            f"{name}_p50_ms": percentile(self.seconds, 0.5) * 1e3 if done else None,
            f"{name}_p99_ms": percentile(self.seconds, 0.99) * 1e3 if done else None,
            f"{name}_success": self.succeeded / done if done else 0.0,
            f"{name}_count": done,
        }

    @property
    def rate(self) -> float:
        """Successes a second."""
        return self.succeeded / self.elapsed_s if self.elapsed_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a network is and how much is asked of it."""

    nodes: int
    keys: int
    budget_s: float
    net: str
    seed: int

    @property
    def in_flight(self) -> int:
        """Operations under way where latency is measured."""
        return IN_FLIGHT_WAN if self.net == "wan" else 1


SETTINGS = tuple(each.name for each in fields(Settings))


class Life:
    """One network from its first node to its last."""

    def __init__(self, network: Network, settings: Settings) -> None:
        self._network = network
        self._settings = settings
        self._nodes = settings.nodes
        self._budget_s = settings.budget_s
        self._random = random.Random(settings.seed)
        self._alive = list(range(settings.nodes))
        self._putters: dict[str, int] = {}
        self._values = {
            f"key {number}": self._random.randbytes(VALUE_BYTES // 2).hex() for number in range(settings.keys)
        }

    async def join(self) -> Figures:
        """Time how long all nodes take to join, the first being there; weigh what is there with it alone."""
        await self._network.join(1)
        self._first_mb = resident_mb(os.getpid())
        start = time.perf_counter()
        await self._network.join(self._nodes)
        join_s = time.perf_counter() - start
        await asyncio.sleep(SETTLE_S)
        # A collection of the garbage of all nodes at once is a pause that no node of its own process has.
        gc.collect()
        gc.freeze()
        return {"join_s": join_s}

    async def put(self) -> Figures:
        """Put every key."""
        sample = await self._run([self._put_of(key) for key in self._values], self._settings.in_flight)
        return sample.figures("put")

    async def get(self) -> Figures:
        """Get every key that was stored."""
        sample = await self._run([self._get_of(key) for key in self._putters], self._settings.in_flight)
        return sample.figures("get")

    async def get_many(self) -> Figures:
        """Get every stored key three times with 32 under way; weigh the nodes beyond the first after it."""
        keys = [*self._putters] * GETS_IN_FLIGHT_PER_KEY
        self._random.shuffle(keys)
        sample = await self._run([self._get_of(key) for key in keys], IN_FLIGHT)
        grown_mb = resident_mb(os.getpid()) - self._first_mb
        return {
            "gets_per_s": sample.rate,
            "concurrent_success": sample.figures("get")["get_success"],
            "mib_per_node": grown_mb * MIB_PER_MB / (self._nodes - 1),
        }

    async def kill(self) -> Figures:
        """Kill a fifth of the nodes silently."""
        dead = self._random.sample(self._alive, round(KILLED_SHARE * self._nodes))
        await self._network.kill(dead)
        self._alive = [node for node in self._alive if node not in dead]
        return {"killed": len(dead)}

    async def get_after_kill(self) -> Figures:
        """Get every stored key from those alive, 8 under way: the first pass over the gaps."""
        sample = await self._run([self._get_of(key) for key in self._putters], IN_FLIGHT_AFTER_KILL)
        figures = sample.figures("killed_get")
        figures["killed_success"] = figures.pop("killed_get_success")
        return figures | {"killed_gets_per_s": sample.rate}

    def _put_of(self, key: str) -> Operation:
        async def operation() -> bool:
            node = self._random.choice(self._alive)
            stored = await self._network.put(node, key, self._values[key].encode())
            if stored:
                self._putters[key] = node
            return stored

        return operation

    def _get_of(self, key: str) -> Operation:
        async def operation() -> bool:
            node = self._random.choice([node for node in self._alive if node != self._putters[key]])
            return await self._network.get(node, key) == self._values[key].encode()

        return operation

    async def _run(self, operations: list[Operation], in_flight: int) -> Sample:
        """Run operations with so many under way; none is begun after the budget is spent."""
        sample = Sample()
        waiting = iter(operations)
        begin = time.perf_counter()

        async def worker() -> None:
            for operation in waiting:
                start = time.perf_counter()
                if start - begin > self._budget_s:
                    return
                succeeded = await succeeds(operation)
                sample.succeeded += succeeded  # read after the wait: others count meanwhile
                sample.seconds.append(time.perf_counter() - start)

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        sample.elapsed_s = time.perf_counter() - begin
        return sample


async def succeeds(operation: Operation) -> bool:
    """Run an operation; whatever a system raises is a failure of that operation."""
    try:
        async with asyncio.timeout(OPERATION_TIMEOUT_S):
            return await operation()
    except Exception:
        return False


PHASES: dict[str, Callable[[Life], Awaitable[Figures]]] = {
    "join": Life.join,
    "put": Life.put,
    "get": Life.get,
    "get many": Life.get_many,
    "kill": Life.kill,
    "get after kill": Life.get_after_kill,
}
