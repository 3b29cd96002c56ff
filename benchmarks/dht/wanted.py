"""The figures that mesh99's DHT must reach: each row is one run of the benchmark, and what must come out of it."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, le
from typing import Any, NamedTuple

from rich.table import Table

from ..tables import new_table, number, times

Row = dict[str, Any]
OURS = "mesh99"
SIGNS: dict[str, Callable[[float, float], bool]] = {"<=": le, ">=": ge}


class Wanted(NamedTuple):
    """One figure and its bound; with `of_baseline` the bound is a multiple of OpenDHT's figure."""

    figure: str
    sign: str
    bound: float
    of_baseline: bool = False

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}" + (" x OpenDHT" if self.of_baseline else "")

    def is_met(self, value: float | None, baseline: float | None) -> bool | None:
        """Tell whether a value keeps the bound; None when it or OpenDHT's was not measured."""
        if value is None or (self.of_baseline and baseline is None):
            return None
        bound = self.bound * (baseline or 0.0) if self.of_baseline else self.bound
        return SIGNS[self.sign](value, bound)


class Goal(NamedTuple):
    """A row of the table of figures."""

    about: str
    nodes: int
    net: str
    wanted: tuple[Wanted, ...]


def _quick(course: str = "") -> tuple[Wanted, ...]:
    """Return what 50 nodes must reach; all is done twice, the `first_` time soon after joining."""
    return (
        Wanted(f"{course}get_p50_ms", "<=", 0.35),
        Wanted(f"{course}gets_per_s", ">=", 3000),
        Wanted(f"{course}put_p50_ms", "<=", 1.3, of_baseline=True),
        *(Wanted(f"{course}{what}_success", ">=", 1.0) for what in ("put", "get", "concurrent")),
    )


SUCCESS = (Wanted("put_success", ">=", 1.0), Wanted("get_success", ">=", 1.0))

GOALS = {
    "loopback": Goal(
        "50 nodes on loopback, signed and encrypted",
        50,
        "loopback",
        (*_quick("first_"), *_quick()),
    ),
    "killed": Goal(
        "the same after a fifth was killed silently, first pass",
        50,
        "loopback",
        (
            Wanted("killed_success", ">=", 1.0),
            Wanted("killed_get_p99_ms", "<=", 15),
            Wanted("killed_gets_per_s", ">=", 1.0, of_baseline=True),
        ),
    ),
    "n200": Goal(
        "200 nodes on loopback",
        200,
        "loopback",
        (*SUCCESS, Wanted("join_s", "<=", 3), Wanted("mib_per_node", "<=", 0.5)),
    ),
    "n500": Goal(
        "500 nodes on loopback",
        500,
        "loopback",
        (*SUCCESS, Wanted("join_s", "<=", 10), Wanted("mib_per_node", "<=", 0.5)),
    ),
    "wan": Goal(
        "50 nodes 5 to 45 ms apart one way, 1 % of datagrams lost",
        50,
        "wan",
        (
            Wanted("get_p50_ms", "<=", 20),
            Wanted("get_p99_ms", "<=", 80),
            Wanted("put_p50_ms", "<=", 200),
            Wanted("put_p99_ms", "<=", 350),
            Wanted("join_s", "<=", 2),
            *SUCCESS,
        ),
    ),
}


def goals_help() -> str:
    """List the rows for --help."""
    return "; ".join(f"{name}: {goal.about}" for name, goal in GOALS.items())


def goal_table(name: str, rows: list[Row]) -> Table:
    """Make the table of one row: what must be, what is, OpenDHT's, and whether that is enough."""
    by_system = {row["system"]: row for row in rows}
    ours, other = by_system.get(OURS, {}), by_system.get("opendht", {})
    table = new_table(
        f"row {name}: {GOALS[name].about}",
        ("figure", "must", OURS, "opendht", "ratio", "reached"),
    )
    for each in GOALS[name].wanted:
        value, baseline = ours.get(each.figure), other.get(each.figure)
        met = each.is_met(value, baseline)
        ratio = value / baseline if value is not None and baseline else None
        verdict = "-" if met is None else "yes" if met else "NO"
        table.add_row(each.figure, str(each), number(value), number(baseline), times(ratio), verdict)
    return table
