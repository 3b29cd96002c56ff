"""Lines of charts made of results: a line a group of runs, and the stock library's beside ours where it ran too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from ..outcome import Curve, Outcome
from .chart import Point, Series
from .figures import BASELINE, STOCK
from .parameters import Group, grouped

SERIES_MAX = 6
"""Groups that one chart shows: as many as have a colour, dash and marker of their own."""

OURS = "mesh99"

Value = Callable[[Outcome], float]
Columns = dict[float, list[float]]


def figure(name: str) -> Value:
    """Return what reads a figure of a run; NaN where it has none."""
    return lambda run: run.figures.get(name, math.nan)


def first_groups(runs: Sequence[Outcome]) -> list[Group]:
    """Return the first groups of runs, as many as a chart can show."""
    return grouped(runs)[:SERIES_MAX]


def curve_series(
    groups: Sequence[Group], curve: str, points_of: Callable[[Curve], list[Point]]
) -> list[Series]:
    """Return one curve of all runs: a line a seed, the first of each group in full and with the group's name."""
    runs = [run for group in groups for run in group.runs]
    stock = [run.curves[BASELINE + curve] for run in runs if run.curves.get(BASELINE + curve)]
    series = []
    for style, group in enumerate(groups):
        curves = [run.curves[curve] for run in group.runs if run.curves.get(curve)]
        for index, points in enumerate(curves):
            label = "" if index else _ours(group.label, beside=bool(stock))
            series.append(Series(label=label, points=points_of(points), style=style, faint=index > 0))
    for index, points in enumerate(stock):
        label = "" if index else STOCK
        series.append(Series(label=label, points=points_of(points), baseline=True, faint=index > 0))
    return series


def figure_series(runs: Sequence[Outcome], varied: Sequence[str], x_of: Value, name: str) -> list[Series]:
    """Return a figure over what is varied: a line for each group that differs in more than that."""
    stock = _columns(runs, x_of, figure(BASELINE + name))
    series = [
        _line(_ours(group.label, beside=bool(stock)), _columns(group.runs, x_of, figure(name)), style)
        for style, group in enumerate(grouped(runs, without=varied)[:SERIES_MAX])
    ]
    return [*series, _line(STOCK, stock, 0, baseline=True)] if stock else series


def _columns(runs: Sequence[Outcome], x_of: Value, y_of: Value) -> Columns:
    """Return the values at each x, without those that were not measured."""
    columns: Columns = {}
    for run in runs:
        x, y = x_of(run), y_of(run)
        if math.isfinite(x) and math.isfinite(y):
            columns.setdefault(x, []).append(y)
    return dict(sorted(columns.items()))


def _line(label: str, columns: Columns, style: int, *, baseline: bool = False) -> Series:
    return Series(
        label=label,
        points=[(x, median(values)) for x, values in columns.items()],
        band=[(x, min(values), max(values)) for x, values in columns.items() if len(values) > 1],
        style=style,
        baseline=baseline,
        markers=True,
    )


def _ours(label: str, *, beside: bool) -> str:
    """Name our line where it stands beside the stock library's and has no other name."""
    return label or (OURS if beside else "")
