"""The parts of a report that say what ran and what came out: tables, failures, the line that replays, the scenario."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from ..outcome import Failure, Outcome
from ..scenario.run_line import run_line
from ..scenario.writing import write
from .figures import BASELINE, MAIN, STOCK, duration, text, texts, title
from .markup import Markup, element, table
from .parameters import grouped

ROWS_MAX = 200
"""Runs in the table; of a larger sweep those that failed come first, and the Parquet file has them all."""

ARTICLES_MAX = 30
"""Runs that are told in full, those that failed first."""

CODE_PARTS = 2
"""Sources and Python: the libraries are in the result's file."""

FAILURES_MAX = 20
"""Failures of one run that are listed: one cause often shows a thousand times."""


def seeds_table(runs: Sequence[Outcome]) -> Markup:
    """Return what comes out over the seeds: median, lowest and highest, for what ran with several."""
    rows = []
    for group in grouped(runs):
        if len(group.runs) > 1:
            name = group.label or group.runs[0].scenario.name
            spreads = (_spread(figure, group.runs) for figure in MAIN)
            rows.append((name, str(len(group.runs)), *spreads))
    if not rows:
        return Markup()
    head = ("", "seeds", *(title(figure) for figure in MAIN))
    caption = "Median over the seeds, lowest and highest below it"
    return element("section", element("h2", "Over the seeds"), table(caption, head, rows[:ROWS_MAX]))


def _spread(figure: str, runs: Sequence[Outcome]) -> Markup:
    values = [run.figures[figure] for run in runs if math.isfinite(run.figures.get(figure, math.nan))]
    if not values:
        return element("span", text(figure, None))
    middle = element("span", text(figure, median(values)))
    ends = " to ".join(dict.fromkeys((text(figure, min(values)), text(figure, max(values)))))
    return Markup(middle + Markup("<br/>") + element("small", ends, class_="quiet"))


def runs_table(runs: Sequence[Outcome]) -> Markup:
    """Return a row of figures a run, and the baseline's under it where there is one."""
    # Size and tier have columns of their own.
    groups = grouped(runs, without=("population.nodes", "tier"))
    labels = {id(run): group.label or run.scenario.name for group in groups for run in group.runs}
    shown = _failed_first(runs)[:ROWS_MAX]
    caption = "All runs" if len(runs) <= ROWS_MAX else f"{ROWS_MAX} of {len(runs)} runs, failed ones first"
    head = ("run", "nodes", "seed", "tier", "held", *(title(figure) for figure in MAIN))
    rows = [row for run in shown for row in _rows(run, labels[id(run)])]
    return element("section", element("h2", "Runs"), table(caption, head, rows))


def _rows(run: Outcome, label: str) -> Iterator[Sequence[object]]:
    nodes = f"{run.scenario.population.nodes:,}"
    figures = (text(figure, run.figures.get(figure)) for figure in MAIN)
    yield label, nodes, str(run.seed), run.tier, _verdict(run), *figures
    baseline = [run.figures.get(BASELINE + figure) for figure in MAIN]
    if any(value is not None for value in baseline):
        cells = (text(figure, value) for figure, value in zip(MAIN, baseline, strict=True))
        yield STOCK, nodes, str(run.seed), "", "", *cells


def _verdict(run: Outcome) -> Markup:
    if not run.passed:
        return element("span", f"✗ {len(run.failures)} failed", class_="failed")
    return element("span", "interrupted" if run.interrupted else "✓ yes", class_="held")


def run_articles(runs: Sequence[Outcome]) -> Markup:
    """Return the runs in full, as many as a reader bears."""
    shown = _failed_first(runs)[:ARTICLES_MAX]
    rest = len(runs) - len(shown)
    articles = [_article(run) for run in shown]
    note = element("p", f"{rest} more runs are in the table above.", class_="quiet") if rest else Markup()
    return element("section", element("h2", "Run by run"), *articles, note)


def _article(run: Outcome) -> Markup:
    nodes = run.scenario.population.nodes
    head = f"{run.scenario.name}, {nodes:,} nodes, seed {run.seed}"
    code = ", ".join(run.code.split(", ")[:CODE_PARTS])
    digest = f"tier {run.tier}, {run.crypto} crypto, digest {run.digest[:16]}…, {code}"
    return element(
        "article",
        element("h3", head),
        element("p", _verdict(run), " · ", digest, class_="quiet"),
        _failures(run.failures),
        _figures(run),
        element("p", "Run it again, down to the same packets:", class_="quiet"),
        element("pre", run_line(run.scenario, run.seed, run.crypto)),
        class_="good" if run.passed else "bad",
    )


def _failures(failures: Sequence[Failure]) -> Markup:
    if not failures:
        return Markup()
    items = [element("li", element("strong", one.check), ": ", one.message, _place(one)) for one in failures]
    if len(items) > FAILURES_MAX:
        items[FAILURES_MAX:] = [element("li", f"and {len(items) - FAILURES_MAX} more")]
    return element("ul", *items, class_="failures")


def _place(failure: Failure) -> Markup:
    parts = [f"at {duration(failure.at_s)} of virtual time"]
    if failure.node is not None:
        parts.append(f"node {failure.node}")
    if failure.event:
        parts.append(f"event {failure.event}")
    return element("small", ", ".join(parts))


def _figures(run: Outcome) -> Markup:
    pairs = [
        element("div", element("dt", title(name)), element("dd", value)) for name, value in texts(run.figures)
    ]
    return element("dl", *pairs)


def definitions(runs: Sequence[Outcome]) -> Markup:
    """Return what was simulated: each scenario once, as the file that describes it."""
    texts_ = list(dict.fromkeys((run.scenario.name, run.scenario.about, write(run.scenario)) for run in runs))
    shown = [_definition(*parts) for parts in texts_[:ARTICLES_MAX]]
    if len(texts_) > ARTICLES_MAX:
        shown.append(element("p", f"and {len(texts_) - ARTICLES_MAX} more", class_="quiet"))
    return element("section", element("h2", "What was simulated"), *shown)


def _definition(name: str, about: str, toml: str) -> Markup:
    details = element("details", element("summary", "The scenario file"), element("pre", toml))
    return element("article", element("h3", name), element("p", about, class_="about"), details)


def _failed_first(runs: Sequence[Outcome]) -> list[Outcome]:
    return sorted(runs, key=lambda run: run.passed)
