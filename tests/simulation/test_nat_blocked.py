"""Populations of which a part lets no UDP pass: over TCP to a relay, and through it to everybody."""

from __future__ import annotations

from typing import Any

from staged import run_of, small

from mesh99.simulations.scenario.schema import Checks, Nat, Population, Workload

MEETING = Workload(lookups_every=10.0, meets_every=3.0, keys=5)  # type: ignore[arg-type]
WORLD: dict[str, Any] = {
    "nat": Nat(port_restricted=0.3, udp_blocked=0.2),  # type: ignore[arg-type]
    "population": Population(nodes=30, relays=0.5, publishers=1.0),  # type: ignore[arg-type]
    "workload": MEETING,
    "duration": 40.0,
    "settle": 60.0,
    # What a box costs its peers is looked at where all of them pass UDP.
    "checks": Checks(every=2.0, invariants=("caps", "dead-sessions", "true-contacts")),  # type: ignore[arg-type]
}


def test_nodes_whose_udp_is_blocked_are_met_over_tcp_or_through_relays() -> None:
    _, outcome = run_of(small(**WORLD), seed=3)
    figures = outcome.figures
    assert outcome.failures == ()
    assert figures["meet_success"] >= 0.95
    # They call open nodes over TCP; who calls them needs a relay.
    assert 0.0 < figures["meet_direct_blocked_open"] < 1.0
    assert figures["meet_direct_blocked_easy"] == figures["meet_direct_blocked_blocked"] == 0.0
