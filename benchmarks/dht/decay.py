"""Records whose owners do not renew them: how many are left after hours of churn, with and without repair.

    python -m benchmarks.dht.decay churn [nodes] [hours] [keys] [scale]
    python -m benchmarks.dht.decay killed [nodes] [keys]

`churn` is the simulated scenario of that name; each record is put once, with a life of a day, and read at the end by
somebody at random. A `scale` of 22m makes nodes come and go ten times as often. `killed` is the same network without
churn: for each key four of its eight holders crash at once, and it is counted how long it takes until the eight nearest
nodes hold it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import mean, median

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.run import changed
from mesh99.simulations.scenario.changes import with_changes
from mesh99.wire.record import Record, value_key

TTL_S = 86_400
REPLICAS = 8
NEVER_S = 1e9
LOOK_S = 5.0
QUIET = {"workload.keys": "1", "workload.lookups_every": "1y", "workload.gets_every": "1y"}


class Decay:
    """One run, with records that nobody renews."""

    def __init__(self, nodes: int, hours: float, keys: int, *, repair: bool, churn: dict[str, str]) -> None:
        scenario = with_changes(changed("churn", nodes=nodes, hours=hours), {**QUIET, **churn})
        self.run = HeapRun(scenario, 7)
        self.random = self.run.random("decay")
        self.keys = [_spread(number, keys) for number in range(keys)]
        self.found: dict[bytes, bool] = {}
        if not repair:
            self._switch_off()
        self.run.world.call_at(self.run.phases.settles_from_s, self._put)
        self.run.world.call_at(self.run.end_s - 30.0, self._read)

    def holders(self, key: bytes) -> int:
        """Return how many of the nodes nearest to a key hold it."""
        population, now = self.run.population, self.run.world.now()
        near = [population.by_node_id[node_id] for node_id in population.nearest(key, REPLICAS)]
        return sum(bool(host.overlay.dht.store.get(key, now)) for host in near)

    def kill_half(self, key: bytes) -> None:
        """Crash four of the eight nearest."""
        population = self.run.population
        for node_id in self.random.sample(population.nearest(key, REPLICAS), REPLICAS // 2):
            population.by_node_id[node_id].crash()

    def go(self) -> float:
        """Run to the end; return bytes a node sent in a second."""
        outcome = self.run.run(RunOptions())
        assert not outcome.failures, outcome.failures
        return self.run.measurements.bytes_per_node_per_s

    def _switch_off(self) -> None:
        population = self.run.population
        dht = replace(population._config.dht, repair_s=NEVER_S, repair_soon_s=NEVER_S)
        population._config = replace(population._config, dht=dht)

    def _put(self) -> None:
        for key in self.keys:
            host = self.random.choice(self.run.population.live)
            record = Record.create(host.identity, key, bytes(64), sequence=1, ttl_s=TTL_S)
            host.overlay.dht.put(record, host.clock.now(), lambda result: None)
            host.pump.kick()

    def _read(self) -> None:
        for key in self.keys:
            host = self.random.choice(self.run.population.live)
            self.found[key] = False

            def done(result, key=key) -> None:  # type: ignore[no-untyped-def]
                self.found[key] = bool(result.records)

            host.overlay.dht.get(key, host.clock.now(), done)
            host.pump.kick()


def _spread(number: int, keys: int) -> bytes:
    """Return a key: evenly apart, so that those who die for one key hold no other."""
    return (number * 65_536 // keys).to_bytes(2, "big") + value_key(f"key {number}")[2:]


def churn(nodes: int = 300, hours: float = 3.0, keys: int = 300, scale: str = "3.66h") -> None:
    """Print what is left with and without repair."""
    pace = {"churn.session.scale": scale, "churn.offline.scale": scale}
    for repair, records in ((True, keys), (False, keys), (True, 0), (False, 0)):
        decay = Decay(nodes, hours, records, repair=repair, churn=pace)
        bytes_per_s = decay.go()
        held = [decay.holders(key) for key in decay.keys] or [0]
        found = mean(decay.found.values()) if decay.found else 0.0
        print(
            f"{'with' if repair else 'without':7} repair, {records:5} records: found {found:6.1%}, "
            f"held by {mean(held):.2f} of 8, at least {min(held)}; {bytes_per_s:.1f} B/s a node",
            flush=True,
        )


def killed(nodes: int = 300, keys: int = 8) -> None:
    """Print how long it takes to replace four of eight."""
    decay = Decay(nodes, 2.0, keys, repair=True, churn={"churn.always_online": "100%"})
    run, whole_after_s = decay.run, {}
    kill_at = run.measured_from_s + 1800.0

    def look() -> None:
        for key in decay.keys:
            if key not in whole_after_s and decay.holders(key) == REPLICAS:
                whole_after_s[key] = run.world.now() - kill_at
        run.world.call_at(run.world.now() + LOOK_S, look)

    def kill() -> None:
        for key in decay.keys:
            decay.kill_half(key)
        look()

    run.world.call_at(kill_at, kill)
    decay.go()
    times = sorted(whole_after_s.values())
    held = sorted(decay.holders(key) for key in decay.keys)
    print(
        f"{len(times)} of {keys} keys held by eight again: median {median(times):.0f} s, last {times[-1]:.0f} s"
    )
    print(f"holders among the eight nearest at the end: {held}")


def main(arguments: list[str]) -> None:
    """Run what was asked for."""
    what, *numbers = arguments or ["churn"]
    if what == "killed":
        killed(*(int(each) for each in numbers))
    else:
        churn(*(kind(each) for kind, each in zip((int, float, int, str), numbers, strict=False)))


if __name__ == "__main__":
    main(sys.argv[1:])
