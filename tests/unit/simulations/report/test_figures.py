"""How figures read."""

from __future__ import annotations

import math

import pytest

from mesh99.simulations.report.figures import duration, text, texts


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("lookup_success", 0.99874, "99.87 %"),
        ("joined", 200.0, "200"),
        ("eclipse_captured", 0.618, "61.80 %"),
        ("censored_gets", 12, "12"),
        ("lookup_p50_ms", 271.4, "271 ms"),
        ("hops_mean", 2.6789, "2.68"),
        ("bytes_per_node_per_s", 123.4, "123 B/s"),
        ("baseline_bytes_per_node_per_s", 0.5, "0.5 B/s"),
        ("peak_rss_mb", 1234.0, "1,234 MB"),
        ("wall_s", 0.25, "0.25 s"),
        ("virtual_s", 3600.0, "1 h"),
        ("heal_s", math.nan, "-"),
        ("virtual_h_per_cpu_s", 41.5, "41.5"),
        ("packets", 1e7, "10,000,000"),
        ("mean_s", math.inf, "-"),
    ],
)
def test_figures_have_their_units(name: str, value: float, shown: str) -> None:
    assert text(name, value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0 s"), (59.0, "59 s"), (60.0, "1 min"), (200.0, "3 min 20 s"), (7500.0, "2 h 5 min"),
     (31_536_000.0, "365 d")],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_the_known_figures_come_first() -> None:
    assert [name for name, _ in texts({"own": 1, "wall_s": 1, "nodes": 1})] == ["nodes", "wall_s", "own"]


def test_the_stock_library_stands_beside_ours() -> None:
    figures = {"baseline_joined": 7, "baseline_hops_mean": 3, "hops_mean": 2}
    assert texts(figures) == [("hops_mean", "2 (stock kademlia: 3)"), ("baseline_joined", "7")]
