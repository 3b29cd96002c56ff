"""The charts with virtual time on their x axis: population and success, traffic, and healing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..outcome import Curve, Outcome
from ..scenario.schema import Scenario
from .chart import Chart, Panel, Point, Series, Window, drawn, time_unit
from .parameters import Group
from .series import curve_series, first_groups

SCENARIOS_MAX = 12
"""Charts over time are drawn for so many scenarios: each has partitions and faults of its own."""

POINTS_MAX = 60
"""Points of a line over time; with more, the chance of a few lookups each hides what happens."""

TIME_LABEL = "virtual time since measuring began"


def time_charts(runs: Sequence[Outcome]) -> list[Chart]:
    """Return population and success over time, a chart a scenario."""
    by_name: dict[str, list[Outcome]] = {}
    for run in runs:
        by_name.setdefault(run.scenario.name, []).append(run)
    charts = (_time_chart(name, members) for name, members in list(by_name.items())[:SCENARIOS_MAX])
    return [chart for chart in charts if chart is not None]


def _time_chart(name: str, runs: Sequence[Outcome]) -> Chart | None:
    groups = first_groups(runs)
    unit_s, unit = time_unit(max(_longest(run, "population", "lookup_success") for run in runs))
    population = _series(groups, "population", unit_s)
    success = _series(groups, "lookup_success", unit_s)
    panels = [
        Panel(y_label="nodes online", series=population),
        Panel(y_label="lookups right", series=success, percent=True),
    ]
    shown = [panel for panel in panels if drawn(panel.series)]
    if not shown:
        return None
    return Chart(
        name=f"over-time-{name}",
        title=f"{name}: population and success over time",
        caption="Nodes that are online, and the share of lookups that returned the nearest of them. Shaded: what was "
        "done to the network.",
        x_label=f"{TIME_LABEL}, {unit}",
        panels=shown,
        windows=list(windows_of(runs[0].scenario, unit_s)),
    )


def traffic_chart(runs: Sequence[Outcome], groups: Sequence[Group]) -> Chart | None:
    """Return what a node sends over time."""
    unit_s, unit = time_unit(max((_longest(run, "bytes_per_node_per_s") for run in runs), default=0))
    series = _series(groups, "bytes_per_node_per_s", unit_s)
    if not drawn(series):
        return None
    return Chart(
        name="bytes-per-node",
        title="Traffic of a node over time",
        caption="What a node sends, headers included.",
        x_label=f"{TIME_LABEL}, {unit}",
        panels=[Panel(y_label="sent per node, B/s", series=series)],
        windows=_common_windows(runs, unit_s),
    )


def heal_chart(groups: Sequence[Group]) -> Chart | None:
    """Return how success comes back after a partition ended."""
    longest_s = max((_longest(run, "heal") for group in groups for run in group.runs), default=0)
    unit_s, unit = time_unit(longest_s)
    series = _series(groups, "heal", unit_s)
    if not drawn(series):
        return None
    return Chart(
        name="partition-heal",
        title="After the partition",
        caption="Share of lookups that returned the nearest node of the whole network, from the moment it was whole "
        "again.",
        x_label=f"virtual time since the network is whole again, {unit}",
        panels=[Panel(y_label="lookups right", series=series, percent=True, y_range=(0, 1))],
    )


def windows_of(scenario: Scenario, unit_s: float) -> Iterator[Window]:
    """Return what is done to the network and when, as the scenario says."""
    for partition in scenario.partition:
        end_s = partition.at + partition.lasts
        yield Window(begin=partition.at / unit_s, end=end_s / unit_s, label=f"{partition.kind} partition")
    for fault in scenario.fault:
        lasts_s = scenario.duration - fault.at if fault.lasts is None else fault.lasts
        end_s = min(scenario.duration, fault.at + lasts_s)
        yield Window(begin=fault.at / unit_s, end=end_s / unit_s, label=fault.kind)
    for arrival in scenario.arrival:
        end_s = arrival.at + arrival.over
        yield Window(begin=arrival.at / unit_s, end=end_s / unit_s, label="arrivals")


def _common_windows(runs: Sequence[Outcome], unit_s: float) -> list[Window]:
    """Return the windows if all runs are of one scenario."""
    names = {run.scenario.name for run in runs}
    return list(windows_of(runs[0].scenario, unit_s)) if len(names) == 1 else []


def _series(groups: Sequence[Group], curve: str, unit_s: float) -> list[Series]:
    return curve_series(groups, curve, lambda points: _scaled(points, unit_s))


def _scaled(points: Curve, unit_s: float) -> list[Point]:
    return thinned([(x / unit_s, y) for x, y in points if math.isfinite(x) and math.isfinite(y)])


def thinned(points: list[Point]) -> list[Point]:
    """Return the means of neighbours where there are more points than a reader can tell apart."""
    width = math.ceil(len(points) / POINTS_MAX)
    parts = [points[begin : begin + width] for begin in range(0, len(points), width)] if width > 1 else []
    return [(part[0][0], math.fsum(y for _, y in part) / len(part)) for part in parts] or points


def _longest(run: Outcome, *curves: str) -> float:
    return max((x for name in curves for x, _ in run.curves.get(name, ())), default=0.0)
