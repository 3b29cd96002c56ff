"""Draw charts with matplotlib, without a display: as SVG for the page, as PNG for other places."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...wire.errors import ConfigError
from .chart import Chart, Panel, Series, Window
from .document import stem
from .extras import library
from .labels import place_labels
from .style import INK, MUTED, PAPER, SETTINGS, SHADE, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 6.6
"""So wide that text of 9 points stays readable when a phone shows the plot at 60 %."""
PANEL_INCHES = 2.9
SECOND_PANEL_INCHES = 1.7
PNG_DOTS_PER_INCH = 144
"""Sharp on screens of double density, and still under 100 kB a plot."""

HEADROOM = 1.08
"""Space over the highest point, as a factor."""


def svg(chart: Chart) -> str:
    """Return a chart as an SVG document."""
    return _saved(chart, "svg", transparent=True, metadata={"Date": None, "Creator": None}).decode()


def png(chart: Chart) -> bytes:
    """Return a chart as a PNG file on white paper, with its title."""
    return _saved(chart, "png", dpi=PNG_DOTS_PER_INCH, facecolor=PAPER, metadata={"Software": None})


def write_pngs(charts: Sequence[Chart], folder: Path) -> list[Path]:
    """Write a PNG file a chart into a folder that is made if need be."""
    paths = [folder / f"{stem(chart.name)}.png" for chart in charts]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for chart, path in zip(charts, paths, strict=True):
            path.write_bytes(png(chart))
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror or error}") from error
    return paths


def _saved(chart: Chart, form: str, **settings: Any) -> bytes:
    matplotlib = library("matplotlib", "plots")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a person's own settings would change our figures
        matplotlib.rcParams.update(SETTINGS)
        figure = _figure(chart, titled=form == "png")
        file = io.BytesIO()
        figure.savefig(file, format=form, **settings)
    return file.getvalue()


def _figure(chart: Chart, *, titled: bool) -> Figure:
    # Figures made this way belong to no window system and no global list.
    figures = library("matplotlib.figure", "plots")
    heights = [PANEL_INCHES] + [SECOND_PANEL_INCHES] * (len(chart.panels) - 1)
    figure: Figure = figures.Figure(figsize=(WIDTH_INCHES, sum(heights)), layout="constrained")
    grid = {"height_ratios": heights, "hspace": 0.08}
    axes = figure.subplots(len(chart.panels), 1, sharex=True, squeeze=False, gridspec_kw=grid)
    for row, (panel, panel_axes) in enumerate(zip(chart.panels, axes[:, 0], strict=True)):
        _draw_panel(panel_axes, chart, panel, first=row == 0)
    axes[-1, 0].set_xlabel(chart.x_label)
    if titled:
        figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _draw_panel(axes: Axes, chart: Chart, panel: Panel, *, first: bool) -> None:
    axes.set_xscale(chart.x_scale)
    _shade(axes, chart.windows, labelled=first)
    for series in panel.series:
        _draw(axes, series)
    _scale_y(axes, panel)
    _format(axes, chart, panel)
    place_labels(axes, panel.series)


def _draw(axes: Axes, series: Series) -> None:
    style = style_of(series.style, baseline=series.baseline)
    if series.band:
        lows, highs = [low for _, low, _ in series.band], [high for _, _, high in series.band]
        xs = [x for x, _, _ in series.band]
        axes.fill_between(xs, lows, highs, color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(
        [x for x, _ in series.points],
        [y for _, y in series.points],
        color=style.colour,
        linestyle=style.dash,
        marker=style.marker if series.markers or len(series.points) == 1 else None,
        alpha=0.5 if series.faint else 1.0,
        linewidth=1.0 if series.faint else 1.8,
    )


def _shade(axes: Axes, windows: Sequence[Window], *, labelled: bool) -> None:
    for row, window in enumerate(windows):
        axes.axvspan(window.begin, window.end, color=SHADE, linewidth=0, zorder=0)
        axes.axvline(window.begin, color=MUTED, linewidth=0.7, zorder=1)
        if labelled:
            _label_window(axes, window, row)


def _label_window(axes: Axes, window: Window, row: int) -> None:
    axes.annotate(
        window.label,
        (window.begin, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(3, -2 - 10 * (row % 3)),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=MUTED,
    )


def _scale_y(axes: Axes, panel: Panel) -> None:
    values = [y for series in panel.series for _, y in series.points]
    values += [high for series in panel.series for _, _, high in series.band]
    low, high = panel.y_range or _natural_range(values, panel.percent)
    axes.set_ylim(low, high + (high - low) * (HEADROOM - 1))


def _natural_range(values: Sequence[float], percent: bool) -> tuple[float, float]:
    """Begin at 0, but for shares that are all high: there the differences are what is to be seen."""
    if not percent:
        return 0.0, max([*values, 1e-9])
    lowest = min(values)
    return (0.0, 1.0) if lowest < 0.5 else (max(0.0, 1 - max(0.02, 1.3 * (1 - lowest))), 1.0)


def _format(axes: Axes, chart: Chart, panel: Panel) -> None:
    ticker = library("matplotlib.ticker", "plots")
    axes.set_ylabel(panel.y_label)
    axes.tick_params(which="both", length=3, color=MUTED)
    axes.tick_params(axis="y", which="both", length=0)
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.10g}"))
    if chart.x_scale == "log":
        _mark_decades(axes, ticker)
    if panel.percent:
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value * 100:.10g} %"))
        axes.yaxis.set_major_locator(ticker.MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    else:
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _mark_decades(axes: Axes, ticker: Any) -> None:
    """Put numbers at 1, 2 and 5 of each decade, if there are few decades."""
    low, high = axes.get_xlim()
    few = high / low < 300
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=20))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    for label in axes.get_xticklabels():
        label.set_color(INK)
