"""Sybils ground next to keys keep news from nobody who listens: honest holders of the region push it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from staged import small

from mesh99.dht import listen
from mesh99.dht.listen import Change
from mesh99.dht.search import NodeSearch
from mesh99.dht.store import Held
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.host import Host
from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.scenario.schema import Adversary, Latency, Links, Population, Workload
from mesh99.wire.record import Record

KEYS = 4
LISTENERS = 4
DELAY_S = 0.03
SLACK_S = 0.001
NEWS = b"news"


class Newsroom:
    """Hosts that listen to surrounded keys, a put under each later, and who got it when."""

    def __init__(self, count: int, censors: str) -> None:
        censor: Any = {"kind": "censor", "count": count, "keys": KEYS, "censors": censors}
        scenario = small(
            population=Population(nodes=60, start="warm", profile="large"),
            latency=Latency(model="fixed", one_way=DELAY_S, jitter=0.0),  # type: ignore[arg-type]
            links=Links(loss=0.0),  # type: ignore[arg-type]
            settle=20.0,
            duration=40.0,
            adversary=(Adversary(**censor),),
            workload=Workload(lookups_every=None, keys=KEYS),
        )
        self.run = HeapRun(scenario, 1)
        self.stored_at_s: dict[bytes, float] = {}
        self.told_at_s: dict[tuple[bytes, int], float] = {}
        self.run.world.call_at(self.run.measured_from_s, self._listen)
        self.run.world.call_at(self.run.measured_from_s + 15.0, self._put)
        outcome = self.run.run(RunOptions())
        assert outcome.failures == ()

    def delays_s(self) -> list[float]:
        """Return how long after the first honest holder who heard of it had the news; 0 for that holder itself."""
        return [told_s - self.stored_at_s[key] for (key, _), told_s in self.told_at_s.items()]

    def soon(self) -> int:
        """Count those who were pushed the news after one delay."""
        return sum(0 < delay_s <= DELAY_S + SLACK_S for delay_s in self.delays_s())

    def _honest(self, place: int) -> Host:
        hosts = [host for host in self.run.population.live if host.honest]
        return hosts[place % len(hosts)]

    def _listen(self) -> None:
        for place in range(KEYS * LISTENERS):
            host, key = self._honest(7 * place), self.run.workload.keys[place % KEYS]
            host.overlay.dht.listen(key, host.clock.now(), partial(self._told, key, place))
            host.pump.kick()

    def _told(self, key: bytes, place: int, change: Change) -> None:
        if change.record.value == NEWS:
            self.told_at_s.setdefault((key, place), self.run.world.now())

    def _put(self) -> None:
        for host in (host for host in self.run.population.live if host.honest):
            store = host.overlay.dht.store
            store.on_new = partial(self._stored, store.on_new)
        for place, key in enumerate(self.run.workload.keys):
            host = self._honest(11 * place + 5)
            record = Record.create(host.identity, key, NEWS, sequence=1, ttl_s=3600)
            host.overlay.dht.put(record, host.clock.now(), lambda result: None)
            host.pump.kick()

    def _stored(self, before: Any, held: Held, now: float) -> None:
        if held.record.value == NEWS:
            self.stored_at_s.setdefault(held.record.key, self.run.world.now())
        before(held, now)


@pytest.mark.parametrize(("count", "censors"), [(24, "all"), (20, "silent"), (20, "loud")])
def test_a_listener_is_told_one_delay_after_an_honest_holder_whoever_stands_next_to_the_key(
    count: int, censors: str
) -> None:
    room = Newsroom(count, censors)
    assert len(room.told_at_s) == KEYS * LISTENERS
    assert max(room.delays_s()) <= DELAY_S + SLACK_S
    assert room.soon() >= KEYS * (LISTENERS - 1)


def test_at_the_nearest_alone_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "ListenSearch", lambda context, key, done: NodeSearch(context, key, 4, done))
    room = Newsroom(24, "all")
    assert room.soon() == 0
    assert len(room.told_at_s) <= KEYS, "those who hold it themselves"
