"""What the figures of a run mean, and how they read with their units."""

from __future__ import annotations

import math
from collections.abc import Mapping

MEANINGS = {
    "nodes": "honest nodes of the scenario: those that exist from the start",
    "virtual_s": "time that passed in the simulation",
    "wall_s": "time that passed outside",
    "lookup_success": "share of lookups that returned the live node that really is nearest to the id, of all that "
    "were started",
    "lookup_p50_ms": "virtual time of a lookup, median",
    "lookup_p99_ms": "virtual time of a lookup: 99 of 100 took no longer",
    "hops_mean": "depth of a lookup: how many answers deep its last contact was found",
    "bytes_per_node_per_s": "what a node sends in the measured phase, IPv4 and UDP headers included",
    "peak_rss_mb": "memory of the whole process at its peak",
    "joined": "honest nodes that are up and have joined at the end",
    "join_p50_ms": "virtual time from a node's start until its own first lookup is done, median",
    "join_p99_ms": "the same: 99 of 100 took no longer",
    "lookups": "lookups that were measured",
    "gets": "reads of keys that were measured",
    "get_success": "share of the reads that returned the right value",
    "get_p50_ms": "virtual time of a read, median",
    "get_p99_ms": "virtual time of a read: 99 of 100 took no longer",
    "puts": "writes of new values that were measured",
    "put_success": "share of the writes that a quorum of holders took",
    "put_p50_ms": "virtual time of a write until the quorum, median",
    "put_p99_ms": "virtual time of a write until the quorum: 99 of 100 took no longer",
    "rpcs_per_lookup": "requests that a lookup sends",
    "packets": "packets that were sent in the whole run",
    "events": "events of the whole run",
    "departures": "nodes that left or crashed while it was measured",
    "arrivals": "nodes that came or came back while it was measured",
    "heal_s": "time after the network was whole again until lookups were right again",
    "virtual_h_per_cpu_s": "node-hours that were simulated in a second of processor time, in the measured phase",
    "sybil_nearest": "share of lookups whose first contact was a sybil; by chance, the share of sybils among all nodes",
    "eclipse_captured": "share of the victim's table that is the attackers' at the end",
    "censored_gets": "reads of the key that censors hide",
    "censored_get_success": "share of the reads of that key that returned its owner's value",
    "lie_believed": "share of the nodes that take a liar's word on where they are for true and say it to others",
    "relay_cheated": "packets that lying relays dropped, cut, held back or let pass in turn",
    "meets": "meets that were measured: a node finds another one's record, calls it and asks it something",
    "meet_found": "share of the meets in which the record was found",
    "meet_success": "share of the meets in which the answer came within ten seconds",
    "meet_p50_ms": "virtual time from the call to the answer, median",
    "meet_p99_ms": "the same: 99 of 100 took no longer",
    "meet_direct": "share of the meets that need no relay ten seconds after the call; `..._easy_hard`: of two kinds",
    "meet_relayed": "share of the meets that are on a relay then",
    "meet_stuck": "share of the meets that are on a relay then though their boxes let them meet without",
    "meet_direct_p50_ms": "virtual time from the call until no relay was needed, median",
    "meet_direct_p99_ms": "the same: 99 of 100 took no longer",
    "idle_bytes_per_s": "what one side of an unused session sends in the minute after a meet, headers left out",
}
"""The figures that tiers and adversaries give, as far as there is something to measure; tiers add their own."""

MAIN = (
    "lookup_success",
    "lookup_p50_ms",
    "lookup_p99_ms",
    "hops_mean",
    "bytes_per_node_per_s",
    "wall_s",
    "peak_rss_mb",
)
"""The columns of a table of runs."""

TITLES = {
    "lookup_success": "lookups right",
    "lookup_p50_ms": "lookup p50",
    "lookup_p99_ms": "lookup p99",
    "hops_mean": "hops",
    "bytes_per_node_per_s": "sent per node",
    "virtual_s": "virtual time",
    "wall_s": "real time",
    "peak_rss_mb": "memory",
}

SHARES = ("success", "_nearest", "_captured", "_believed", "_found", "_direct", "_relayed", "_stuck")
"""Endings of names of shares, which are shown in per cent."""

UNITS = (("_bytes_per_node_per_s", "B/s"), ("_bytes_per_s", "B/s"), ("_ms", "ms"), ("_mb", "MB"))
"""Endings of names that say a unit; seconds are spelled by `duration`."""

BASELINE = "baseline_"
"""Figures and curves that begin with this are of the stock library on the same network (agents/baseline.py)."""

STOCK = "stock kademlia"

NOTHING = "-"
"""Stands where there was nothing to measure."""


def title(name: str) -> str:
    """Return a figure's name as a table head."""
    return TITLES.get(name, name.replace("_", " "))


def text(name: str, value: float | None) -> str:
    """Return a figure with its unit."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if name.endswith(SHARES):
        return f"{value * 100:.2f} %"
    if name.endswith("_per_cpu_s"):
        return number(value)
    if name.endswith("_s") and not name.endswith("_per_s"):
        return duration(value)
    unit = next((unit for ending, unit in UNITS if f"_{name}".endswith(ending)), "")
    return f"{number(value)} {unit}".rstrip()


def texts(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return all figures with their units, the stock library's beside ours: those that people look at first."""
    known = [name for name in MEANINGS if name in figures]
    beside = [
        name for name in figures if name.startswith(BASELINE) and name.removeprefix(BASELINE) in figures
    ]
    names = [name for name in dict.fromkeys((*known, *figures)) if name not in beside]
    return [(name, _beside(name, figures)) for name in names]


def _beside(name: str, figures: Mapping[str, float]) -> str:
    ours, stock = text(name, figures[name]), figures.get(BASELINE + name)
    return ours if stock is None else f"{ours} ({STOCK}: {text(name, stock)})"


def number(value: float) -> str:
    """Return a number with as many places as it deserves: `0.0123`, `3.14`, `271`, `12,345`."""
    if value == int(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Return a time as people say it: `0.5 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `365 d`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    for unit_s, name, part_s, part_name in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= unit_s:
            whole, rest = divmod(seconds, unit_s)
            part = int(rest // part_s)
            return f"{whole:.0f} {name}" + (f" {part} {part_name}" if part else "")
    return f"{seconds:.3g} s"
