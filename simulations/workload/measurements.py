"""What is measured of a run, in flat arrays: a million lookups take 14 MB."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable

from ..outcome import Curve

Listener = Callable[[str, float, float, int, bool], None]
"""Told of each operation that ended: kind, when it began (s), how long it took (ms), hops, whether it was right."""

HOPS_MAX = 255
"""Deepest lookup that is told apart from a deeper one: one byte each."""

CDF_POINTS = 200
"""Points of a distribution's curve: as many as a plot shows."""


class Operations:
    """All operations of one kind, in the order in which they ended."""

    __slots__ = ("asked", "began_s", "hops", "right", "succeeded", "took_ms")

    def __init__(self) -> None:
        self.began_s = array("d")
        self.took_ms = array("f")
        self.hops = array("B")
        self.right = array("B")
        self.asked = 0
        """Peers asked by all of them."""
        self.succeeded = 0

    def __len__(self) -> int:
        return len(self.began_s)

    def add(self, began_s: float, took_ms: float, hops: int, right: bool, asked: int) -> None:
        """Take one."""
        self.began_s.append(began_s)
        self.took_ms.append(took_ms)
        self.hops.append(min(hops, HOPS_MAX))
        self.right.append(right)
        self.asked += asked
        self.succeeded += right

    @property
    def success(self) -> float:
        """Share of them that were right; 1 when there were none."""
        return self.succeeded / len(self) if len(self) else 1.0

    @property
    def hops_mean(self) -> float:
        """Mean depth."""
        return sum(self.hops) / len(self) if len(self) else 0.0

    def success_over_time(self, from_s: float, bucket_s: float) -> Curve:
        """Return the share of the right ones among those that began in each bucket of time, where there are any."""
        counts: dict[int, list[int]] = {}
        for began_s, right in zip(self.began_s, self.right, strict=True):
            bucket = counts.setdefault(int((began_s - from_s) // bucket_s), [0, 0])
            bucket[0] += right
            bucket[1] += 1
        return [(number * bucket_s, right / all_) for number, (right, all_) in sorted(counts.items())]


class Measurements:
    """Collect what happens; figures and curves are made of it at the end (course/figures.py)."""

    def __init__(self) -> None:
        self.lookups = Operations()
        self.gets = Operations()
        self.puts = Operations()
        self.listeners: list[Listener] = []
        self.sampled_s = array("d")
        self.population = array("L")
        self.bytes = array("Q")
        self.node_seconds = 0.0
        """Time that hosts were up, all together, between the first and the last sample."""

    def looked_up(self, began_s: float, took_ms: float, hops: int, right: bool, asked: int) -> None:
        """Take a lookup that ended."""
        self.lookups.add(began_s, took_ms, hops, right, asked)
        for listener in self.listeners:
            listener("lookup", began_s, took_ms, hops, right)

    def got(self, began_s: float, took_ms: float, hops: int, right: bool, asked: int) -> None:
        """Take a get that ended."""
        self.gets.add(began_s, took_ms, hops, right, asked)
        for listener in self.listeners:
            listener("get", began_s, took_ms, hops, right)

    def put(self, began_s: float, took_ms: float, stored: bool, asked: int) -> None:
        """Take a put that ended."""
        self.puts.add(began_s, took_ms, 0, stored, asked)
        for listener in self.listeners:
            listener("put", began_s, took_ms, 0, stored)

    def sample(self, now_s: float, population: int, bytes_sent: int) -> None:
        """Note how many are up and how much they have sent so far."""
        if self.sampled_s:
            self.node_seconds += (now_s - self.sampled_s[-1]) * (population + self.population[-1]) / 2
        self.sampled_s.append(now_s)
        self.population.append(population)
        self.bytes.append(bytes_sent)

    @property
    def bytes_per_node_per_s(self) -> float:
        """What a node sent in a second, from the first sample to the last."""
        return (self.bytes[-1] - self.bytes[0]) / self.node_seconds if self.node_seconds else 0.0

    def population_over_time(self, from_s: float) -> Curve:
        """Return how many were up."""
        return [(at - from_s, float(up)) for at, up in zip(self.sampled_s, self.population, strict=True)]

    def bytes_over_time(self, from_s: float) -> Curve:
        """Return what a node sent in a second, between two samples each."""
        curve: list[tuple[float, float]] = []
        for at in range(1, len(self.sampled_s)):
            node_seconds = (self.sampled_s[at] - self.sampled_s[at - 1]) * max(1, self.population[at])
            if node_seconds > 0:
                sent = self.bytes[at] - self.bytes[at - 1]
                curve.append((self.sampled_s[at] - from_s, sent / node_seconds))
        return curve


def quantile(ascending: array[float] | list[float], share: float) -> float:
    """Return the value that a share of all stays below; 0 when there are none."""
    return ascending[int(share * (len(ascending) - 1))] if ascending else 0.0


def distribution(ascending: list[float]) -> Curve:
    """Return (value, share of all that are not larger) at steps of equal share."""
    if not ascending:
        return []
    picked = [quantile(ascending, step / CDF_POINTS) for step in range(CDF_POINTS + 1)]
    return [(value, bisect_right(ascending, value) / len(ascending)) for value in dict.fromkeys(picked)]
