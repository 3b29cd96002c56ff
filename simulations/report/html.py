"""The report: one HTML file with everything in it, for a browser, a phone, a mail and paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...wire.errors import ConfigError
from ..outcome import Outcome
from .chart import Chart, Panel
from .charts import charts_of
from .figures import number
from .inline_svg import inline_svg
from .markup import Markup, element, joined, table
from .page_runs import definitions, run_articles, runs_table, seeds_table
from .page_style import style_sheet

POINTS_SHOWN_MAX = 60
"""A table of more points is no help for a reader; the Parquet file has them all."""


def page(runs: Sequence[Outcome], charts: Sequence[Chart] | None = None) -> str:
    """Return the report over some results."""
    drawn = charts_of(runs) if charts is None else charts
    title = _title(runs)
    body = element(
        "main",
        _header(title, runs),
        _charts(drawn),
        seeds_table(runs),
        runs_table(runs),
        run_articles(runs),
        definitions(runs),
    )
    return _document(title, body)


def write_page(runs: Sequence[Outcome], path: Path, charts: Sequence[Chart] | None = None) -> None:
    """Write the report into a file; ConfigError names it when that fails."""
    text = page(runs, charts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error


def _document(title: str, body: Markup) -> str:
    head = joined(
        [
            Markup('<meta charset="utf-8"/>'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1"/>'),
            # Whatever a name in here might try, the page may run and load nothing.
            Markup(
                '<meta http-equiv="Content-Security-Policy" '
                "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
            ),
            element("title", title),
            element("style", Markup(style_sheet())),
        ]
    )
    content = element("head", head) + element("body", body)
    return f'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">{content}</html>\n'


def _title(runs: Sequence[Outcome]) -> str:
    names = list(dict.fromkeys(run.scenario.name for run in runs))
    if len(names) > 3:
        return f"{len(names)} simulated scenarios"
    return f"Simulated: {', '.join(names)}"


def _header(title: str, runs: Sequence[Outcome]) -> Markup:
    failed = sum(not run.passed for run in runs)
    verdict = (
        element("p", "✓ Everything held", class_="verdict held")
        if not failed
        else element("p", f"✗ {failed} of {len(runs)} runs failed", class_="verdict failed")
    )
    interrupted = sum(run.interrupted for run in runs)
    lines = [_summary(runs)]
    if interrupted:
        lines.append(
            f"{interrupted} ended before their time: their figures hold what was measured until then."
        )
    return element("header", element("h1", title), verdict, *(element("p", line) for line in lines))


def _summary(runs: Sequence[Outcome]) -> str:
    seeds = len({run.seed for run in runs})
    node_hours = sum(run.figures.get("nodes", 0) * run.figures.get("virtual_s", 0) / 3600 for run in runs)
    counts = f"{_count(len(runs), 'run')} over {_count(seeds, 'seed')}"
    return f"{counts}, {number(round(node_hours))} node-hours of virtual time."


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _charts(charts: Sequence[Chart]) -> Markup:
    if not charts:
        return Markup()
    figures = [_figure(chart, f"chart-{index}") for index, chart in enumerate(charts)]
    return element("section", element("h2", "Plots"), element("div", *figures, class_="charts"))


def _figure(chart: Chart, prefix: str) -> Markup:
    caption = element("figcaption", element("strong", chart.title), element("span", chart.caption))
    plot = element("div", inline_svg(chart, prefix), class_="plot", tabindex=0)
    tables = [_numbers(chart, panel) for panel in chart.panels]
    return element("figure", caption, plot, *tables)


def _numbers(chart: Chart, panel: Panel) -> Markup:
    """Return the points as a table, where they are few enough to be read."""
    rows = [
        (series.label or panel.y_label, number(x), f"{100 * y:.2f} %" if panel.percent else number(y))
        for series in panel.series
        if series.markers
        for x, y in series.points
    ]
    if not 0 < len(rows) <= POINTS_SHOWN_MAX:
        return Markup()
    head = ("", chart.x_label.removesuffix(" (logarithmic)"), panel.y_label)
    return element("details", element("summary", "The numbers"), table(chart.title, head, rows))
