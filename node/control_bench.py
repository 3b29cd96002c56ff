"""Measure the line from a running node to one peer, with the `echo` that every node answers.

Three phases, each for a given time: `rtt` asks one after the other, `requests` keeps many questions under
way, `bulk` sends large ones. Every byte is typed, validated, encrypted and comes back.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from ..wire.errors import MeshError
from ..wire.node_record import NodeRecord
from .results import Answer


class Measured(Protocol):
    """What is measured: a node that can resolve a peer and call it."""

    async def resolve(self, peer: str) -> NodeRecord: ...
    async def call(self, type_name: str, body: object, *, to: str, timeout_s: float) -> Answer: ...


BenchPhase = Literal["rtt", "requests", "bulk"]

SMALL = "x" * 256  # what the small cases of benchmarks/messaging carry
LARGE = "x" * (1 << 20)
WARM_UP_ROUNDS = 10
CONCURRENCY_SMALL = 64
CONCURRENCY_LARGE = 4
TIMEOUT_S = 10.0


async def measure(node: Measured, peer: str, phase: BenchPhase, duration_s: float) -> dict[str, float]:
    """Run one phase and return its figures: `rtt_us` and `rtt_p99_us`, `requests_per_s`, or `mb_per_s`.

    `mb_per_s` counts 10^6 bytes one way; the same bytes travel back.
    """
    peer_id = str((await node.resolve(peer)).node_id)

    async def ask(body: str) -> None:
        await node.call("echo", body, to=peer_id, timeout_s=TIMEOUT_S)

    for _ in range(WARM_UP_ROUNDS):
        await ask(SMALL)
    if phase == "rtt":
        times = sorted(await times_of(lambda: ask(SMALL), 1, duration_s))
        return {
            "rtt_us": microseconds(statistics.median(times)),
            "rtt_p99_us": microseconds(times[len(times) * 99 // 100]),
        }
    if phase == "requests":
        return {"requests_per_s": round(await rate(lambda: ask(SMALL), CONCURRENCY_SMALL, duration_s))}
    large_per_s = await rate(lambda: ask(LARGE), CONCURRENCY_LARGE, duration_s)
    return {"mb_per_s": round(large_per_s * len(LARGE) / 1e6, 2)}


async def rate(ask: Callable[[], Awaitable[None]], concurrency: int, duration_s: float) -> float:
    """Return how many questions a second are answered with `concurrency` under way."""
    begin = time.perf_counter()
    times = await times_of(ask, concurrency, duration_s)
    return len(times) / (time.perf_counter() - begin)


async def times_of(ask: Callable[[], Awaitable[None]], concurrency: int, duration_s: float) -> list[float]:
    """Return the seconds that each question took."""
    times: list[float] = []
    end = time.perf_counter() + duration_s

    async def keep_asking() -> None:
        while (begin := time.perf_counter()) < end:
            await ask()
            times.append(time.perf_counter() - begin)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(keep_asking())
    except* MeshError as failed:
        raise failed.exceptions[0] from None
    return times


def microseconds(seconds: float) -> float:
    return round(seconds * 1e6, 1)
