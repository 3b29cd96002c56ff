"""Populations behind boxes: who is met, who is found, and what lying relays can do."""

from __future__ import annotations

from typing import Any

from staged import run_of, small

from mesh99.simulations.adversaries.lying_relay import LyingRelay
from mesh99.simulations.scenario.schema import Adversary, Nat, Population, Workload

NAT: dict[str, Any] = {"address_restricted": 0.1, "port_restricted": 0.4, "symmetric": 0.1}
MEETING = Workload(lookups_every=10.0, gets_every=10.0, meets_every=5.0, keys=5)  # type: ignore[arg-type]
PEOPLE = Population(nodes=40, relays=0.5, publishers=1.0)  # type: ignore[arg-type]
WORLD: dict[str, Any] = {
    "nat": Nat(**NAT),
    "population": PEOPLE,
    "workload": MEETING,
    "duration": 40.0,
    "settle": 40.0,
}


def test_everybody_is_met_and_nobody_stays_on_a_relay_without_need() -> None:
    _, outcome = run_of(small(**WORLD), seed=3)
    figures = outcome.figures
    assert outcome.failures == ()
    assert figures["meets"] > 100
    assert figures["meet_found"] == figures["meet_success"] == 1.0
    assert figures["meet_stuck"] == 0.0
    assert figures["meet_direct_easy_easy"] == figures["meet_direct_easy_open"] == 1.0
    assert figures["meet_direct_hard_open"] == 1.0
    # Where everybody has met everybody, an open node may be long without a stranger who shows that it is.
    assert figures["lookup_success"] >= 0.9
    assert figures["get_success"] == 1.0


def _lied_to(**parts: Any) -> tuple[Any, Any]:
    liars = (Adversary(kind="lying-relay", count=4),)
    return run_of(small(**{**WORLD, **parts}, adversary=liars), seed=3)


def test_lying_relays_make_nobody_send_much_to_others() -> None:
    run, outcome = _lied_to()
    [party] = run.adversaries
    assert isinstance(party, LyingRelay)
    assert party.cheated > 50
    assert outcome.failures == ()
    # Whom two liars serve is met by few; nobody finds out yet what his relays are worth.
    assert outcome.figures["meet_success"] > 0.7
