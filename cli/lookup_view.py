"""A lookup drawn: each node under the one that named it, with its distance, its time and what it said."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .output import Environment, decimal, short

COLUMNS = ("NODE", ">BITS", ">ASKED ms", ">RTT ms", "OUTCOME", ">NEARER", "ENDPOINT")
BRANCH = "  "
Hop = dict[str, Any]


def draw(environment: Environment, hops: list[Hop]) -> None:
    """Print the tree of a lookup and a line that sums it up."""
    environment.table(COLUMNS, [_row(hop, level) for hop, level in in_tree_order(hops)])
    environment.note(summary(hops))


def in_tree_order(hops: list[Hop]) -> list[tuple[Hop, int]]:
    """Return each question after the one whose answer led to it, with how deep that is."""
    by_teller: dict[str | None, list[Hop]] = {}
    for hop in hops:
        by_teller.setdefault(hop["named_by"], []).append(hop)
    ordered: list[tuple[Hop, int]] = []
    waiting = [(hop, 0) for hop in reversed(by_teller.get(None, []))]
    while waiting:
        hop, level = waiting.pop()
        ordered.append((hop, level))
        waiting += [(next_, level + 1) for next_ in reversed(by_teller.get(hop["node_id"], []))]
    return ordered


def summary(hops: list[Hop]) -> str:
    """Say how many were asked, what became of them, and how near the lookup came."""
    if not hops:
        return "nobody was asked"
    outcomes = Counter(hop["outcome"] for hop in hops)
    parts = [f"{len(hops)} asked", *(f"{count} {outcome}" for outcome, count in outcomes.items())]
    refused = Counter(hop["remark"] for hop in hops if hop["remark"].startswith("refused"))
    parts += [f"{count} {remark}" for remark, count in refused.items()]
    answered = [hop for hop in hops if hop["outcome"] == "answered"]
    if answered:
        nearest = min(answered, key=lambda hop: int(hop["distance_bits"]))
        parts.append(f"nearest {short(nearest['node_id'])} at {nearest['distance_bits']} bits")
    return ", ".join(parts)


def _row(hop: Hop, level: int) -> tuple[str, ...]:
    outcome = hop["outcome"]
    if hop["remark"]:
        after = "" if hop["remark_ms"] is None else f" at {hop['remark_ms']:.2f} ms"
        outcome += f", {hop['remark']}{after}"
    return (
        BRANCH * level + short(hop["node_id"]),
        str(hop["distance_bits"]),
        decimal(hop["asked_ms"]),
        decimal(hop["rtt_ms"]),
        outcome,
        str(hop["closer"]),
        hop["endpoint"],
    )
