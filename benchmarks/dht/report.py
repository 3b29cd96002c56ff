"""Rows and the table of the DHT benchmark."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from ..figures import median, ratio, spread
from ..rounds import Outcome
from ..system import core
from ..tables import new_table, number, times
from .measure import Conditions, case_name

BASELINE = "opendht"  # the row to beat
KEPT = (
    "first_put_p50_ms",
    "first_get_p50_ms",
    "first_gets_per_s",
    "first_put_success",
    "first_get_success",
    "first_concurrent_success",
    "join_s",
    "put_p50_ms",
    "put_p99_ms",
    "put_success",
    "get_p50_ms",
    "get_p99_ms",
    "get_success",
    "gets_per_s",
    "concurrent_success",
    "killed_get_p50_ms",
    "killed_get_p99_ms",
    "killed_success",
    "killed_gets_per_s",
    "killed_get_count",
    "mib_per_node",
    "shim_late_p99_ms",
    "foreign_cores",
    "slowdown",
)
RATIOS = (
    "join_s",
    "put_p50_ms",
    "put_p99_ms",
    "get_p50_ms",
    "get_p99_ms",
    "gets_per_s",
    "killed_get_p99_ms",
    "killed_gets_per_s",
)
COLUMNS = {
    "join s": ("join_s", None),
    "put p50/p99 ms": ("put_p50_ms", "put_p99_ms"),
    "put ok": ("put_success", None),
    "first: put/get p50 ms": ("first_put_p50_ms", "first_get_p50_ms"),
    "get p50/p99 ms": ("get_p50_ms", "get_p99_ms"),
    "get ok": ("get_success", None),
    "gets/s (32)": ("gets_per_s", None),
    "killed: get p50/p99 ms": ("killed_get_p50_ms", "killed_get_p99_ms"),
    "killed: ok": ("killed_success", None),
    "killed: gets/s": ("killed_gets_per_s", None),
    "MiB/node": ("mib_per_node", None),
}
Row = dict[str, Any]


def make_rows(outcomes: list[Outcome], conditions: Conditions) -> list[Row]:
    """Make a row per system and size: medians over the rounds, the spread of get p50, ratios to OpenDHT."""
    rows = [make_row(outcome, nodes, conditions) for nodes in conditions.nodes for outcome in outcomes]
    baseline = {row["nodes"]: row for row in rows if row["system"] == BASELINE}
    for row in rows:
        other = baseline.get(row["nodes"], {})
        row["ratios"] = {key: ratio(row[key], other.get(key)) for key in RATIOS}
    return rows


def make_row(outcome: Outcome, nodes: int, conditions: Conditions) -> Row:
    """Sum up one size of one system."""
    case = case_name(nodes)
    return {
        "system": outcome.system.name,
        "version": outcome.system.version(),
        "case": case,
        "status": outcome.status,
        "nodes": nodes,
        "net": conditions.net,
        "placement": conditions.placement,
        "loop": conditions.loop,
        "core": core(),
        "rounds": len(outcome.rounds),
        **{key: median(outcome.values(case, key)) for key in KEPT},
        "spread": spread(outcome.values(case, "get_p50_ms")),
        "disturbed_rounds": outcome.disturbed(case),
    }


def make_table(nodes: int, rows: list[Row], conditions: Conditions) -> Table:
    """Make the table of one size."""
    own = [row for row in rows if row["nodes"] == nodes]
    rounds = max((row["rounds"] for row in own), default=0)
    how = (
        conditions.net,
        conditions.placement,
        conditions.loop,
        f"core {core()}",
        f"median of {rounds} rounds",
    )
    title = "; ".join((f"{nodes} nodes", *how))
    table = new_table(title, ("system", *COLUMNS))
    for row in own:
        table.add_row(row["system"] + ("*" if row["disturbed_rounds"] else ""), *_cells(row))
    return table


def _cells(row: Row) -> list[str]:
    if row["status"] != "ok":
        return [row["status"].split(":")[0]]
    return [_cell(row, first, second) for first, second in COLUMNS.values()]


def _cell(row: Row, first: str, second: str | None) -> str:
    if first.endswith("success"):
        return "-" if row[first] is None else f"{row[first]:.1%}"
    text = number(row[first]) + (f"/{number(row[second])}" if second else "")
    return f"{text}\n{times(row['ratios'][first])}" if first in RATIOS else text
