"""The page: whole, well-formed, safe, and with all that a reader needs."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace as with_fields
from outcomes import FAILURE, outcome, partitioned

from mesh99.simulations.report.html import page
from mesh99.simulations.report.markup import element, escaped

EVIL = """<script>alert('x')</script>"'&\x00\x1b[2J\u202e\ud800"""
RUNS = [
    *(outcome(nodes=nodes, seed=seed) for nodes in (100, 1000) for seed in (1, 2)),
    partitioned(failures=(FAILURE,)),
]


@pytest.fixture(scope="module")
def whole() -> str:
    return page(RUNS)


def tree(text: str) -> ElementTree.Element:
    doctype, _, rest = text.partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)


def texts(text: str) -> str:
    return " ".join(" ".join(tree(text).itertext()).split())


def test_it_is_well_formed_and_every_id_is_there_once(whole: str) -> None:
    ids = [found for node in tree(whole).iter() if (found := node.get("id"))]
    assert len(ids) == len(set(ids))
    references = re.findall(r'(?:href="|url\()#([^")]+)', whole)
    assert references
    assert set(references) <= set(ids)


def test_it_needs_nothing_from_outside(whole: str) -> None:
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", whole)
    assert re.findall(r"https?://|@import|<script|<link|src=", without_names) == []


def test_it_holds_the_figures_failures_replay_lines_and_scenarios(whole: str) -> None:
    shown = texts(whole)
    assert "1 of 5 runs failed" in shown
    assert FAILURE.message in shown
    assert "node 3, event 4711" in shown
    assert "mesh99 sim " in shown
    assert '[[partition]] at = "15m"' in shown
    assert "Over the seeds" in shown
    assert "99.55 %" in shown
    assert "hops of a lookup (mean)" in shown


def test_plots_take_the_colours_of_the_page_and_have_names(whole: str) -> None:
    plots = re.findall(r"<svg.*?</svg>", whole, re.DOTALL)
    assert len(plots) >= 5
    assert all("var(--line-0)" in plot for plot in plots)
    assert all('role="img"' in plot and "<title" in plot for plot in plots)
    assert re.findall(r"font-family", "".join(plots)) == []


def test_text_from_outside_stays_text() -> None:
    evil = outcome(failures=(replace(FAILURE, check=EVIL, message=EVIL),), digest=EVIL, code=EVIL)
    scenario = with_fields(evil.scenario, name=EVIL, about=EVIL)
    text = page([replace(evil, scenario=scenario)])
    text.encode()
    assert "<script" not in text
    assert "\x1b" not in text
    assert "<script>alert('x')</script>" in texts(text)


def test_a_run_without_curves_and_figures_has_a_page_too() -> None:
    shown = texts(page([outcome(figures={}, curves={})]))
    assert "Everything held" in shown
    assert "Plots" not in shown


def test_an_interrupted_run_is_said_to_be_one() -> None:
    assert "1 ended before their time" in texts(page([outcome(interrupted=True)]))


def test_large_sweeps_are_cut_failed_ones_first() -> None:
    runs = [outcome(seed=seed, curves={}) for seed in range(250)]
    runs[-1] = replace(runs[-1], failures=(FAILURE,) * 30)
    shown = texts(page(runs))
    assert "200 of 250 runs, failed ones first" in shown
    assert "churn, 100 nodes, seed 249" in shown
    assert "and 10 more" in shown


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (escaped("<a & 'b'>"), "&lt;a &amp; &#x27;b&#x27;&gt;"),
        (escaped(escaped("&")), "&amp;"),
        (element("p", "a", element("b", "<"), class_='"'), '<p class="&quot;">a<b>&lt;</b></p>'),
    ],
)
def test_markup_is_escaped_once(markup: str, text: str) -> None:
    assert markup == text
