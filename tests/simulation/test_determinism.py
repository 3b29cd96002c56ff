"""A seed fixes every byte: each shipped scenario gives one digest in two processes that differ in all they may.

CI runs a selection, made small. All of them, small too: pytest tests/simulation/test_determinism.py -m slow
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import structs

from mesh99.simulations import scenarios
from mesh99.simulations.replay.same_twice import same_twice
from mesh99.simulations.scenario.catalog import load
from mesh99.simulations.scenario.schema import Fault, Nat, Scenario, Share
from mesh99.simulations.scenario.units import Duration

NODES = 16
AGENTS = 6
"""Whole nodes cost ten times as much."""

DURATION_S = 150.0
"""Long enough for everything in the shipped scenarios to begin."""

IN_CI = ("churn", "partition", "sybil", "registry-down")


def _small(name: str, nodes: int = NODES) -> Scenario:
    """Return a shipped scenario that takes seconds."""
    scenario = load(name)
    most = nodes if scenario.tier == "heap" else AGENTS
    population = structs.replace(scenario.population, nodes=min(most, scenario.population.nodes))
    checks = structs.replace(scenario.checks, converge_within=None)
    duration = Duration(min(DURATION_S, scenario.duration))
    return structs.replace(scenario, population=population, checks=checks, duration=duration, expect={})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", IN_CI)
def test_two_processes_send_the_same_bytes(name: str) -> None:
    twice = same_twice(_small(name), 7)
    assert twice.same, "\n".join(twice.lines())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in scenarios() if name not in IN_CI])
def test_two_processes_send_the_same_bytes_in_the_other_scenarios(name: str) -> None:
    twice = same_twice(_small(name, 40), 7)
    assert twice.same, "\n".join(twice.lines())


@pytest.mark.timeout(300)
def test_two_processes_send_the_same_bytes_under_the_real_ciphers_behind_nats() -> None:
    scenario = structs.replace(
        _small("churn"),
        duration=Duration(30.0),
        nat=Nat(port_restricted=Share(0.3), symmetric=Share(0.2)),
        fault=(Fault(kind="inject", point="pump.duplicate-packet", probability=Share(0.05)),),
    )
    twice = same_twice(scenario, 7, crypto="real")
    assert twice.same, "\n".join(twice.lines())


IMPURE = """
from mesh99.dht.rpc import Rpc

plain = Rpc.take_requests
Rpc.take_requests = lambda self: sorted(plain(self), key=lambda request: hash(request.payload))
"""
"""Draws an order from the hashes of bytes."""


@pytest.mark.timeout(300)
def test_an_order_that_comes_from_hashes_is_found_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(IMPURE)
    monkeypatch.syspath_prepend(str(tmp_path))
    twice = same_twice(structs.replace(_small("join"), duration=Duration(10.0)), 7)
    assert not twice.same
    lines = twice.lines()
    assert re.fullmatch(r"the same for \d+ records, then different", lines[1])
    assert lines[2].startswith("first, first.trace: ")
    assert any(line.startswith("second, second.trace: ") for line in lines)
    assert any(line.startswith("  because  ") for line in lines)
