"""What a chart shows, as plain data: charts*.py fill it from results, plots.py draws it, html.py explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]

TIME_UNITS = ((300.0, 1.0, "s"), (3 * 3600.0, 60.0, "min"), (3 * 86_400.0, 3600.0, "h"))
"""Longest time that is shown in a unit, and the unit: an axis has a few dozen units at most, mostly."""

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line, or the points of some runs."""

    label: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    """x, lowest and highest value: what the seeds spread over."""
    style: int = 0
    """Number of the colour, dash and marker; equal ones belong together."""
    baseline: bool = False
    """Not ours: drawn in grey."""
    markers: bool = False
    faint: bool = False
    """One more seed of a group whose first is drawn in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time in which something was done to the network; of length 0: a moment."""

    begin: float
    end: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes."""

    y_label: str
    series: Sequence[Series]
    y_range: tuple[float, float] | None = None
    """Where the y axis must reach; None: as far as the points do, from 0."""
    percent: bool = False
    """Values from 0 to 1 are shown as 0 to 100 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure of a report."""

    name: str
    """Stem of its file name."""
    title: str
    caption: str
    """How to read it, in a sentence."""
    x_label: str
    panels: Sequence[Panel]
    x_scale: Literal["linear", "log"] = "linear"
    windows: Sequence[Window] = ()


def time_unit(longest_s: float) -> tuple[float, str]:
    """Return the seconds of the unit in which such a time reads well, and its name."""
    for up_to_s, unit_s, name in TIME_UNITS:
        if longest_s <= up_to_s:
            return unit_s, name
    return DAY_S, "days"


def drawn(series: Sequence[Series]) -> bool:
    """Tell whether there is anything to draw."""
    return any(len(one.points) > 1 for one in series)
