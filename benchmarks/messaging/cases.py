"""The five cases, from the client's side; each runs for a time and returns its figures."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..figures import percentile
from .desk import REPORT, RESET
from .systems import Client

SMALL_BYTES = 256
LARGE_BYTES = 16 * 1024
BULK_BYTES = 64 * 1024  # the most that one read of the baseline takes
CONCURRENCY = 64
BURST_BYTES = 64 * 1024  # one-way messages are handed over in bursts of this size, then the loop turns
ARRIVAL_TIMEOUT_S = 10.0  # for what was still under way when the sender stopped
SILENCE_S = 0.5  # a count that has not moved for so long is final: the rest is lost

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure; `figure` is the key its ratio and spread are made of."""

    name: str
    figure: str
    run: Callable[[Client, float], Awaitable[Figures]]


async def one_after_another(client: Client, seconds: float, size_bytes: int) -> Figures:
    """Measure round trips with one request under way."""
    payload = os.urandom(size_bytes)
    clock = time.perf_counter_ns
    samples: list[int] = []
    end = clock() + int(seconds * 1e9)
    while (start := clock()) < end:
        await client.request(payload)
        samples.append(clock() - start)
    return {"rtt_p50_us": percentile(samples, 0.5) / 1e3, "rtt_p99_us": percentile(samples, 0.99) / 1e3}


async def many_at_once(client: Client, seconds: float) -> Figures:
    """Measure the rate of requests with 64 under way."""
    payload = os.urandom(SMALL_BYTES)
    clock = time.perf_counter
    start = clock()

    async def worker() -> int:
        done = 0
        while clock() - start < seconds:
            await client.request(payload)
            done += 1
        return done

    counts = await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return {"requests_per_s": sum(counts) / (clock() - start)}


async def one_way(client: Client, seconds: float, size_bytes: int) -> Figures:
    """Measure what arrives of a stream, by the receiver's count and clock."""
    payload = os.urandom(size_bytes)
    count = max(1, BURST_BYTES // size_bytes)
    await client.request(RESET)
    sent = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        await client.send_burst(payload, count)
        sent += count
    report = await final_report(client, sent)
    share = (report["messages"] - 1) / report["messages"] if report["messages"] else 0.0
    seconds_there = report["seconds"] or float("inf")
    return {
        "messages_per_s": share * report["messages"] / seconds_there,
        "mb_per_s": share * report["bytes"] / seconds_there / 1e6,
        "lost": sent - report["messages"],
        "sent": sent,
    }


async def final_report(client: Client, sent: int) -> dict[str, Any]:
    """Ask the server for its count until all is there or nothing more comes."""
    deadline = time.perf_counter() + ARRIVAL_TIMEOUT_S
    seen, seen_at = -1, time.perf_counter()
    while True:
        report = await ask_report(client, deadline)
        now = time.perf_counter()
        if report["messages"] != seen:
            seen, seen_at = report["messages"], now
        if seen >= sent or now - seen_at > SILENCE_S or now > deadline:
            return report
        await asyncio.sleep(0.01)


async def ask_report(client: Client, deadline: float) -> dict[str, Any]:
    """Ask for the count, again if the server refuses: a flood that it cannot keep up with shows as loss."""
    while True:
        try:
            return dict(json.loads(await client.request(REPORT)))
        except Exception:
            if time.perf_counter() > deadline:
                raise
            await asyncio.sleep(0.05)


CASES = {
    case.name: case
    for case in (
        Case("request 256 B", "rtt_p50_us", lambda client, s: one_after_another(client, s, SMALL_BYTES)),
        Case("request 16 KiB", "rtt_p50_us", lambda client, s: one_after_another(client, s, LARGE_BYTES)),
        Case("64 concurrent 256 B", "requests_per_s", many_at_once),
        Case("one-way 256 B", "messages_per_s", lambda client, s: one_way(client, s, SMALL_BYTES)),
        Case("bulk", "mb_per_s", lambda client, s: one_way(client, s, BULK_BYTES)),
    )
}
