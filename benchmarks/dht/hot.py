"""One key that most gets ask for: how its load spreads, and what readers notice.

    python -m benchmarks.dht.hot [nodes] [gets per second] [life of the values in seconds] [seed]

A simulated network with full tables and measured wide-area delays; nine gets of ten ask for one key. Owners renew their
values at two thirds of their life: in a run of two minutes a short one shows how often a reader is given an older
version than there is. Limits are those of a large network, once without copies along the path and once with them.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

from mesh99.dht.config import DhtConfig
from mesh99.dht.get import GetResult
from mesh99.dht.messages import FindValue, Request
from mesh99.dht.server import Answers
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.host import Host
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.scenario.schema import Checks, Population, Scenario, Workload
from mesh99.simulations.scenario.units import Duration, Share
from mesh99.simulations.workload.publishing import Value
from mesh99.wire.contact import Contact

MEASURED_S = 120.0
HOT_SHARE = 0.9
KEYS = 20
NEVER = 1 << 30
"""Requests after which a node makes a copy, where there are to be none."""


class CountingServer:
    """Answer honestly; count who asks for the hot key."""

    def __init__(self, honest: Answers, key: bytes) -> None:
        self.asked = 0
        self._honest = honest
        self._key = key

    def reply(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Count, and pass on."""
        self.asked += isinstance(request, FindValue) and request.key == self._key
        return self._honest.reply(request_id, request, sender, now, size_max)


class HotRun:
    """One run, and what is counted of its hot key."""

    def __init__(self, scenario: Scenario, seed: int, copy_asked_min: int) -> None:
        self._run = HeapRun(scenario, seed)
        self._key = self._run.workload.keys[0]
        self._servers: dict[int, CountingServer] = {}
        self._hops: Counter[int] = Counter()
        self._stale_s: list[float] = []
        config = self._run.config
        self._run.population._config = replace(config, dht=replace(config.dht, copy_asked_min=copy_asked_min))
        self._run.workload.on_get.append(self._got)
        self._run.world.call_at(self._run.measured_from_s, self._count)

    def line(self) -> str:
        """Run, and return the figures."""
        outcome = self._run.run(RunOptions())
        figures, gets = outcome.figures, self._hops.total()
        holders, others = self._loads()
        stale_s = [each for each in self._stale_s if each]
        hops = sum(hops * count for hops, count in self._hops.items()) / gets
        return (
            f"hottest holder {holders[0]:5.1f} requests/s, all holders {sum(holders):6.1f},"
            f" hottest other {others[0]:4.1f}"
            f" | hops {hops:.2f} | get p50 {figures['get_p50_ms']:.0f} ms p99 {figures['get_p99_ms']:.0f} ms"
            f" | right {figures['get_success']:.2%} | older {len(stale_s) / gets:.2%},"
            f" at most {max(stale_s, default=0.0):.1f} s | {figures['packets']:.0f} packets"
            + "".join(f" | {failure}" for failure in outcome.failures)
        )

    def _count(self) -> None:
        for host in self._run.population.live:
            dht = host.overlay.dht
            dht.server = self._servers[host.index] = CountingServer(dht.server, self._key)

    def _got(self, host: Host, value: Value, result: GetResult) -> None:
        if value.key == self._key:
            self._hops[result.hops] += 1
            sequence = max((record.sequence for record in result.records), default=0)
            newer_since = [at for number, at in value._signed_at_s.items() if number > sequence]
            self._stale_s.append(self._run.world.now() - min(newer_since) if newer_since else 0.0)

    def _loads(self) -> tuple[list[float], list[float]]:
        """Return the requests per second of holders and of all others, the most first."""
        holders: list[float] = []
        others: list[float] = []
        for index, server in self._servers.items():
            store = self._run.population.hosts[index].overlay.dht.store
            kind = holders if any(held.record.key == self._key for held in store) else others
            kind.append(server.asked / MEASURED_S)
        return sorted(holders, reverse=True), sorted(others, reverse=True)


def main(arguments: list[str]) -> None:
    """Print the figures."""
    given = [float(each) for each in arguments]
    nodes, gets_per_s, ttl_s, seed = [*given, *(1000.0, 100.0, 3600.0, 7.0)[len(given) :]]
    scenario = Scenario(
        name="hot",
        about="Most gets ask for one key.",
        duration=Duration(MEASURED_S),
        population=Population(nodes=int(nodes), start="warm", profile="large"),
        workload=Workload(
            lookups_every=None,
            gets_every=Duration(nodes / gets_per_s),
            hot_share=Share(HOT_SHARE),
            keys=KEYS,
            value_ttl=Duration(ttl_s),
        ),
        checks=Checks(every=Duration(30.0)),
    )
    print(f"{nodes:.0f} nodes, {gets_per_s:.0f} gets/s, {HOT_SHARE:.0%} of them for one key")
    print("without copies", HotRun(scenario, int(seed), NEVER).line())
    print("with copies   ", HotRun(scenario, int(seed), DhtConfig().copy_asked_min).line())


if __name__ == "__main__":
    main(sys.argv[1:])
