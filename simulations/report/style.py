"""How plots look: one house style for the page (light and dark), for PNG files and for paper.

Lines differ in lightness, dash and marker and not only in hue, so that they hold in greyscale and for eyes that see
few colours. The colours are Okabe and Ito's, darkened until each has a contrast of 3:1 to white.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INK = "#1b1f24"
MUTED = "#59636f"
GRID = "#dde2e8"
PAPER = "#ffffff"
SHADE = "#eceff3"
BASELINE = "#7a828c"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStyle:
    """What one line looks like."""

    colour: str
    dark: str
    """The same on a dark page."""
    dash: Any
    marker: str


STYLES = (
    LineStyle(colour="#00528c", dark="#6cb6ff", dash="-", marker="o"),
    LineStyle(colour="#c25100", dark="#ff9d57", dash=(0, (6, 2)), marker="s"),
    LineStyle(colour="#00835f", dark="#4fd1a1", dash=(0, (1, 1.4)), marker="^"),
    LineStyle(colour="#a3427e", dark="#f29bd0", dash=(0, (7, 2, 1.4, 2)), marker="D"),
    LineStyle(colour="#7d6b00", dark="#e3cf5f", dash=(0, (3, 1.4)), marker="v"),
    LineStyle(colour="#3b3b98", dark="#b3b1ff", dash=(0, (5, 1.4, 1.4, 1.4, 1.4, 1.4)), marker="P"),
)

BASELINE_STYLE = LineStyle(colour=BASELINE, dark="#9aa4af", dash=(0, (2, 2)), marker="x")

PAGE_COLOURS = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PAPER: "--paper",
    SHADE: "--shade",
    BASELINE: "--baseline",
    **{style.colour: f"--line-{number}" for number, style in enumerate(STYLES)},
}
"""What a colour of a plot is called in the page's style sheet, which has a light and a dark value for each."""

SETTINGS: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that plots are the same everywhere
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and scaled
    "svg.hashsalt": "mesh99",  # equal plots are equal bytes
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
    "ytick.major.size": 0,
}


def style_of(number: int, *, baseline: bool) -> LineStyle:
    """Return the style of a series."""
    return BASELINE_STYLE if baseline else STYLES[number % len(STYLES)]
