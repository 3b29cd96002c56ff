"""Sybils ground next to keys hide them from nobody: records are stored in, and read from, the region around."""

from __future__ import annotations

from typing import Any

import pytest
from staged import run_of, small

from mesh99.dht import crowd, put
from mesh99.simulations.outcome import Outcome
from mesh99.simulations.scenario.schema import Adversary, Population, Scenario, Workload

KEYS = 4
READING = Workload(lookups_every=None, gets_every=5.0, keys=KEYS)  # type: ignore[arg-type]


def _attacked(count: int, censors: str, *, workload: Workload = READING, **more: Any) -> Scenario:
    censor: Any = {"kind": "censor", "count": count, "keys": KEYS, "censors": censors, **more}
    population = Population(nodes=60, start="warm", profile="large")
    return small(population=population, settle=20.0, adversary=(Adversary(**censor),), workload=workload)


def _read(scenario: Scenario) -> Outcome:
    _, outcome = run_of(scenario)
    assert outcome.failures == ()
    assert outcome.figures["censored_gets"] > 100
    return outcome


@pytest.mark.parametrize(("count", "censors"), [(24, "all"), (20, "silent"), (10, "loud")])
def test_a_value_of_a_named_owner_is_read_whoever_stands_next_to_its_key(count: int, censors: str) -> None:
    assert _read(_attacked(count, censors)).figures["censored_get_success"] >= 0.99


def test_sybils_that_are_no_crowd_hide_nothing_either() -> None:
    assert _read(_attacked(12, "silent", spread=8)).figures["censored_get_success"] >= 0.99


def test_a_list_of_providers_has_the_honest_among_the_false() -> None:
    finding = Workload(lookups_every=None, gets_every=5.0, keys=KEYS, owners=3, gets_want=16)  # type: ignore[arg-type]
    assert _read(_attacked(20, "loud", workload=finding)).figures["censored_get_success"] >= 0.95


def test_without_the_region_all_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd.KeySearch, "region", lambda search: [])
    monkeypatch.setattr(put, "CROWD_NODES", 8)
    assert _read(_attacked(24, "all")).figures["censored_get_success"] < 0.5


def test_nobody_goes_around_a_crowd_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    around: list[int] = []
    monkeypatch.setattr(crowd.KeySearch, "_go_around", lambda search, now: around.append(1))
    putting = Workload(lookups_every=None, puts_every=2.0)  # type: ignore[arg-type]
    population = Population(nodes=100, start="warm", profile="large")
    _, outcome = run_of(small(population=population, workload=putting))
    assert len(around) <= 0.03 * outcome.figures["puts"]
