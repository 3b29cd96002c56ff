"""Names beside the lines instead of a legend: each at the right end of its line, pushed apart where they would meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .chart import Series
from .style import MUTED, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_POINTS = 10.5
"""Height of a label's line in typographic points."""


def place_labels(axes: Axes, series: Sequence[Series]) -> None:
    """Write the labels of the lines to the right of the axes."""
    named = [one for one in series if one.label and one.points]
    named.sort(key=lambda one: (one.points[-1][1], -_middle(one)))
    ends = [_share_of_axis(axes, one.points[-1][1]) for one in named]
    # What the layout leaves of the panel is not known yet; a little too wide is good.
    row = LABEL_POINTS / (axes.bbox.height * 72 / axes.figure.dpi)
    for one, end, place in zip(named, ends, pushed_apart(ends, row), strict=True):
        _write(axes, one, end, place)


def pushed_apart(places: Sequence[float], apart: float) -> list[float]:
    """Move sorted places up and down until each is `apart` from the next, all within 0 and 1 if they fit."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + apart) if moved else max(0.0, place))
    ceiling = 1.0
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - apart
    return moved


def _write(axes: Axes, series: Series, end: float, place: float) -> None:
    style = style_of(series.style, baseline=series.baseline)
    axes.annotate(
        series.label,
        xy=(series.points[-1][0], end),
        xytext=(1.035, place),
        xycoords=("data", "axes fraction"),
        textcoords="axes fraction",
        va="center",
        fontsize=8.5,
        color=style.colour,
        arrowprops={
            "arrowstyle": "-",
            "color": MUTED,
            "linewidth": 0.6,
            "shrinkA": 0,
            "shrinkB": 3,
            "relpos": (0, 0.5),
        },
        annotation_clip=False,
    )


def _share_of_axis(axes: Axes, y: float) -> float:
    low, high = axes.get_ylim()
    return min(1.0, max(0.0, (y - low) / (high - low)))


def _middle(series: Series) -> float:
    """Return x at half of the points: where lines end together, those further right are named further down."""
    return series.points[len(series.points) // 2][0]
