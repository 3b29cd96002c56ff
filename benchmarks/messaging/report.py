"""Rows and the table of the messaging benchmark."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from ..figures import median, ratio, spread
from ..rounds import Outcome
from ..tables import new_table, number, times
from .cases import CASES
from .measure import Conditions
from .systems import BASELINE

FIGURES = (
    "rtt_p50_us",
    "rtt_p99_us",
    "requests_per_s",
    "messages_per_s",
    "mb_per_s",
    "rss_mb",
    "client_rss_mb",
    "server_rss_mb",
    "foreign_cores",
    "slowdown",
)
COLUMNS = {
    "request 256 B": ("rtt_p50_us", "rtt_p99_us"),
    "request 16 KiB": ("rtt_p50_us",),
    "64 concurrent 256 B": ("requests_per_s",),
    "one-way 256 B": ("messages_per_s",),
    "bulk": ("mb_per_s",),
}
UNITS = {
    "rtt_p50_us": "p50 us",
    "rtt_p99_us": "p99 us",
    "requests_per_s": "req/s",
    "messages_per_s": "msg/s",
    "mb_per_s": "MB/s",
}
Row = dict[str, Any]


def make_rows(outcomes: list[Outcome], conditions: Conditions) -> list[Row]:
    """Make a row per system and case: medians over the rounds, their spread, the ratio to the baseline."""
    rows = [make_row(outcome, case, conditions) for outcome in outcomes for case in conditions.cases]
    baseline = {row["case"]: row for row in rows if row["system"] == BASELINE}
    for row in rows:
        figure = CASES[row["case"]].figure
        row["ratio"] = ratio(row[figure], baseline.get(row["case"], {}).get(figure))
    return rows


def make_row(outcome: Outcome, case: str, conditions: Conditions) -> Row:
    """Sum up one case of one system."""
    sent = sum(outcome.values(case, "sent")) if outcome.rounds and "sent" in outcome.rounds[0][case] else 0
    return {
        "system": outcome.system.name,
        "version": outcome.system.version(),
        "case": case,
        "status": outcome.status,
        "placement": str(conditions.placement),
        "loop": conditions.loop,
        "rounds": len(outcome.rounds),
        "seconds": conditions.seconds,
        **{key: median(outcome.values(case, key)) for key in FIGURES},
        "loss": sum(outcome.values(case, "lost")) / sent if sent else None,
        "spread": spread(outcome.values(case, CASES[case].figure)),
        "disturbed_rounds": outcome.disturbed(case),
    }


def make_table(rows: list[Row], conditions: Conditions) -> Table:
    """Make the table: per case its figures, the ratio to the baseline and the spread over the rounds."""
    cases = [case for case in COLUMNS if case in conditions.cases]
    heads = [f"{case}\n{UNITS[key]}" for case in cases for key in COLUMNS[case]]
    rounds = max((row["rounds"] for row in rows), default=0)
    table = new_table(
        f"{conditions.placement}; {conditions.loop}; median of {rounds} rounds of {conditions.seconds:g} s",
        ("system", *heads, "RSS MB\nclient/server"),
    )
    for name in dict.fromkeys(row["system"] for row in rows):
        own = {row["case"]: row for row in rows if row["system"] == name}
        table.add_row(name, *_cells(own, cases))
    return table


def _cells(own: dict[str, Row], cases: list[str]) -> list[str]:
    row = next(iter(own.values()))
    if row["status"] != "ok":
        return [row["status"].split(":")[0]]
    cells = [_cell(own[case], key) for case in cases for key in COLUMNS[case]]
    return [*cells, f"{number(row['client_rss_mb'])}/{number(row['server_rss_mb'])}"]


def _cell(row: Row, key: str) -> str:
    disturbed = "*" if row["disturbed_rounds"] else ""
    text = number(row[key]) + disturbed
    if key != CASES[row["case"]].figure:
        return text
    loss = f"\n{row['loss']:.0%} lost" if row["loss"] else ""
    return f"{text}\n{times(row['ratio'])} ±{number(row['spread'])}{loss}"
