"""Results that no run made: for tests of what is done with results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mesh99.simulations.outcome import Failure, Outcome
from mesh99.simulations.scenario.schema import (
    Churn,
    Duration,
    Lifetimes,
    Partition,
    Population,
    Scenario,
    Share,
)

FAILURE = Failure(
    check="table-caps", at_s=12.5, event=4711, node=3, message="bucket 7 holds 21 contacts; at most 20"
)


def outcome(
    name: str = "churn", *, nodes: int = 100, seed: int = 1, session_s: float = 3600.0, **changes: Any
) -> Outcome:
    """Return a plausible result; `changes` replace its fields."""
    scenario = Scenario(
        name=name,
        about="Nodes come and go.",
        duration=Duration(3600.0),
        population=Population(nodes=nodes),
        churn=Churn(session=Lifetimes(scale=Duration(session_s))),
    )
    fields: dict[str, Any] = {
        "scenario": scenario,
        "seed": seed,
        "tier": "heap",
        "crypto": "simulated",
        "digest": f"{nodes:x}{seed:x}" * 8,
        "events_digest": f"{seed:x}{nodes:x}" * 8,
        "figures": figures(nodes, seed, session_s),
        "curves": curves(nodes, seed),
        "code": "0123abcd python-3.11",
    }
    return Outcome(**{**fields, **changes})


def figures(nodes: int, seed: int, session_s: float) -> dict[str, float]:
    """Return figures that grow with the logarithm of the size and fall with churn."""
    success = 1 - 20 / (session_s + 20) + seed * 1e-3
    return {
        "nodes": float(nodes),
        "virtual_s": 3600.0,
        "wall_s": 12.5,
        "lookup_success": min(1.0, success),
        "lookup_p50_ms": 180.0 + 30 * math.log10(nodes),
        "lookup_p99_ms": 900.0,
        "hops_mean": 0.5 + 0.9 * math.log10(nodes) + 0.02 * seed,
        "bytes_per_node_per_s": 150.0 + 40 * math.log10(nodes),
        "peak_rss_mb": 80.0,
    }


def curves(nodes: int, seed: int) -> dict[str, Sequence[tuple[float, float]]]:
    """Return one of each curve."""
    times = [60.0 * minute for minute in range(61)]
    return {
        "population": [(t, nodes * (1 + 0.05 * math.sin(t / 500 + seed))) for t in times],
        "lookup_success": [(t, 0.97 + 0.02 * math.sin(t / 300 + seed)) for t in times],
        "bytes_per_node_per_s": [(t, 200 + 20 * math.cos(t / 400 + seed)) for t in times],
        "latency_cdf": [(40.0 * 1.15**step * math.log10(nodes), step / 30) for step in range(31)],
        "heal": [(10.0 * step, 1 - math.exp(-step / 3)) for step in range(30)],
    }


def partitioned(**changes: Any) -> Outcome:
    """Return a result of a scenario that falls apart."""
    scenario = Scenario(
        name="partition",
        about="Half of the network is cut off.",
        duration=Duration(3600.0),
        partition=(Partition(at=Duration(900.0), lasts=Duration(600.0), share=Share(0.5)),),
    )
    return outcome("partition", scenario=scenario, **changes)
