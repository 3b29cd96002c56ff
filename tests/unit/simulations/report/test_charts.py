"""Which charts there are, and what they show; drawing them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from outcomes import outcome, partitioned

from mesh99.simulations.outcome import Outcome
from mesh99.simulations.report.chart import Chart, time_unit
from mesh99.simulations.report.charts import charts_of
from mesh99.simulations.report.charts_over_time import thinned
from mesh99.simulations.report.labels import pushed_apart
from mesh99.simulations.report.plots import png, svg, write_pngs


def charts(*runs: Outcome) -> dict[str, Chart]:
    return {chart.name: chart for chart in charts_of(runs)}


def labels(chart: Chart) -> list[str]:
    return [series.label for series in chart.panels[0].series]


def test_one_run_shows_its_curves_but_compares_nothing() -> None:
    assert list(charts(outcome())) == [
        "lookup-latency",
        "bytes-per-node",
        "over-time-churn",
        "partition-heal",
    ]


def test_no_curves_no_charts() -> None:
    assert charts(outcome(curves={})) == {}


def test_hops_against_nodes_with_the_spread_of_the_seeds() -> None:
    runs = [outcome(nodes=nodes, seed=seed, curves={}) for nodes in (1000, 100) for seed in (1, 2, 3)]
    chart = charts(*runs)["hops-against-nodes"]
    (series,) = chart.panels[0].series
    assert series.points == [(100, pytest.approx(2.34)), (1000, pytest.approx(3.24))]
    assert series.band[0] == (100, pytest.approx(2.32), pytest.approx(2.36))
    assert chart.x_scale == "log"


def test_success_against_churn_is_over_the_median_session() -> None:
    runs = [outcome(session_s=scale) for scale in (3600.0, 600.0)]
    (series,) = charts(*runs)["success-against-churn"].panels[0].series
    # The median of a Weibull distribution of shape 0.608 is 0.547 of its scale.
    assert [x for x, _ in series.points] == [pytest.approx(5.47, abs=0.01), pytest.approx(32.8, abs=0.1)]
    assert series.points[0][1] < series.points[1][1]


def test_the_baseline_stands_beside_ours() -> None:
    plain = outcome()
    figures = {**plain.figures, "baseline_hops_mean": 4.0}
    curves = {**plain.curves, "baseline_latency_cdf": [(100.0, 0.0), (900.0, 1.0)]}
    found = charts(replace(plain, figures=figures, curves=curves), outcome(nodes=1000))
    (*_, latency) = found["lookup-latency"].panels[0].series
    assert latency.baseline
    assert labels(found["lookup-latency"]) == ["100 nodes", "1,000 nodes", "stock kademlia"]
    assert labels(found["hops-against-nodes"]) == ["mesh99", "stock kademlia"]


def test_seeds_of_one_group_share_a_style_and_one_label() -> None:
    series = charts(*[outcome(seed=seed) for seed in (1, 2)])["over-time-churn"].panels[0].series
    assert [one.style for one in series] == [0, 0]
    assert [one.faint for one in series] == [False, True]


def test_a_scenario_over_time_shows_what_was_done_to_it() -> None:
    chart = charts(partitioned())["over-time-partition"]
    (window,) = chart.windows
    assert (window.begin, window.end, window.label) == (15, 25, "symmetric partition")
    assert chart.x_label.endswith(", min")
    assert [panel.y_label for panel in chart.panels] == ["nodes online", "lookups right"]


@pytest.mark.parametrize(
    ("longest_s", "unit"), [(60, "s"), (3600, "min"), (86_400, "h"), (31_536_000, "days")]
)
def test_time_is_shown_in_a_unit_that_reads_well(longest_s: float, unit: str) -> None:
    assert time_unit(longest_s)[1] == unit


def test_many_points_over_time_become_means() -> None:
    assert thinned([(0.0, 1.0), (1.0, 3.0)]) == [(0.0, 1.0), (1.0, 3.0)]
    means = thinned([(float(x), float(x % 2)) for x in range(120)])
    assert means == [(float(x), 0.5) for x in range(0, 120, 2)]


def test_a_chart_is_drawn_as_svg_with_text_and_equal_bytes() -> None:
    chart = charts(partitioned())["over-time-partition"]
    drawing = svg(chart)
    assert drawing == svg(chart)
    tree = ElementTree.fromstring(drawing)
    texts = [text for element in tree.iter() if (text := (element.text or "").strip())]
    assert {"nodes online", "lookups right", "symmetric partition", chart.x_label} <= set(texts)
    assert len(re.findall("<image", drawing)) == 0


def test_png_files_have_safe_names(tmp_path: Path) -> None:
    chart = charts(outcome())["partition-heal"]
    (path,) = write_pngs([replace(chart, name="over-time-../x/y")], tmp_path / "png")
    assert path.parent == tmp_path / "png"
    assert path.read_bytes() == png(chart)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_labels_are_pushed_apart_and_kept_inside() -> None:
    assert pushed_apart([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert pushed_apart([1.0, 1.0, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])
    assert pushed_apart([0.0, 0.0, 0.5], 0.2) == pytest.approx([0.0, 0.2, 0.5])
