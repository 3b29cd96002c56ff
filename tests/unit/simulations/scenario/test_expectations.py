"""What must come out of a run, as texts."""

from __future__ import annotations

import pytest

from mesh99.simulations.scenario.expectations import Expectation


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        (">= 0.99", [0.99, 1], [0.98, float("nan")]),
        ("<=4", [4, -1], [4.01]),
        ("> 0", [1e-9], [0]),
        ("< 1e3", [999], [1000]),
        ("== 1", [1], [0.999]),
        ("!= 0", [1], [0, float("nan")]),
        (">= 2, <= 4", [2, 3, 4], [1, 5]),
    ],
)
def test_a_figure_is_compared(text: str, holds: list[float], fails: list[float]) -> None:
    expectation = Expectation.parse(text)
    assert [expectation.holds(figure) for figure in holds] == [True] * len(holds)
    assert [expectation.holds(figure) for figure in fails] == [False] * len(fails)


@pytest.mark.parametrize("text", ["", "0.99", ">= x", "=> 1", ">= 1,", ">= 1 <= 2", ">= 99%"])
def test_what_is_no_comparison_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be comparisons"):
        Expectation.parse(text)
