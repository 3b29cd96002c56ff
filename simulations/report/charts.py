"""The charts of a report: which there are, and what each shows of the results.

A chart is left out when the results do not hold what it compares: hops against N need two sizes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..outcome import Curve, Outcome
from .chart import Chart, Panel, Point, drawn
from .charts_over_time import heal_chart, time_charts, traffic_chart
from .series import curve_series, figure, figure_series, first_groups


def charts_of(runs: Sequence[Outcome]) -> list[Chart]:
    """Return the charts for which the results hold the figures."""
    found = [
        hops_chart(runs),
        success_chart(runs),
        latency_chart(runs),
        bytes_chart(runs) or traffic_chart(runs, first_groups(runs)),
        *time_charts(runs),
        heal_chart(first_groups(runs)),
    ]
    return [chart for chart in found if chart is not None]


def hops_chart(runs: Sequence[Outcome]) -> Chart | None:
    """Return hops against the number of nodes."""
    series = figure_series(runs, ("population.nodes",), figure("nodes"), "hops_mean")
    panel = Panel(y_label="hops of a lookup (mean)", series=series)
    return _chart(
        panel,
        name="hops-against-nodes",
        title="Hops against the size of the network",
        caption="How many answers deep a lookup finds its last contact. Logarithmic growth is a straight line "
        "here.",
        x_label="nodes (logarithmic)",
    )


def success_chart(runs: Sequence[Outcome]) -> Chart | None:
    """Return success of lookups against churn."""
    churning = [run for run in runs if run.scenario.churn is not None]
    series = figure_series(churning, ("churn.session", "churn.offline"), _session_min, "lookup_success")
    panel = Panel(y_label="lookups right", series=series, percent=True)
    return _chart(
        panel,
        name="success-against-churn",
        title="Success against churn",
        caption="Share of lookups that returned the node that really is nearest, by how long nodes stay: churn is "
        "hardest on the left.",
        x_label="median session of a node, min (logarithmic)",
    )


def bytes_chart(runs: Sequence[Outcome]) -> Chart | None:
    """Return what a node sends against the number of nodes."""
    series = figure_series(runs, ("population.nodes",), figure("nodes"), "bytes_per_node_per_s")
    return _chart(
        Panel(y_label="sent per node, B/s", series=series),
        name="bytes-per-node",
        title="Traffic of a node against the size of the network",
        caption="What a node sends in the measured phase, headers included.",
        x_label="nodes (logarithmic)",
    )


def latency_chart(runs: Sequence[Outcome]) -> Chart | None:
    """Return the distribution of lookup times."""
    series = curve_series(first_groups(runs), "latency_cdf", _positive)
    return _chart(
        Panel(y_label="lookups that took no longer", series=series, percent=True, y_range=(0, 1)),
        name="lookup-latency",
        title="How long a lookup takes",
        caption="Share of the lookups that ended within a time: the further left, the faster; a curve per seed.",
        x_label="virtual time of a lookup, ms (logarithmic)",
    )


def _chart(panel: Panel, *, name: str, title: str, caption: str, x_label: str) -> Chart | None:
    series = [one for one in panel.series if one.points]
    if not drawn(series):
        return None
    shown = Panel(y_label=panel.y_label, series=series, y_range=panel.y_range, percent=panel.percent)
    return Chart(name=name, title=title, caption=caption, x_label=x_label, panels=[shown], x_scale="log")


def _session_min(run: Outcome) -> float:
    """Return the median session in minutes; that is what the literature puts on this axis."""
    assert run.scenario.churn is not None
    session = run.scenario.churn.session
    factors: dict[str, float] = {
        "weibull": math.log(2) ** (1 / session.shape),
        "exponential": math.log(2),
        "pareto": 2 ** (1 / session.shape),
        "fixed": 1.0,
    }
    return session.scale * factors[session.distribution] / 60


def _positive(points: Curve) -> list[Point]:
    """Leave out what a logarithmic axis cannot show."""
    return [(x, y) for x, y in points if x > 0 and math.isfinite(x) and math.isfinite(y)]
