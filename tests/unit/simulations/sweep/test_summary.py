"""A sweep in a table."""

from __future__ import annotations

from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.sweep.grid import tasks_of
from mesh99.simulations.sweep.runner import SweepResult
from mesh99.simulations.sweep.summary import Spread, summary_of


def test_each_point_has_its_figures_over_the_seeds() -> None:
    grid = {"population.nodes": ["50", "100", "200"]}
    tasks = tasks_of(Scenario(name="trial", about="A trial."), grid, [1, 2, 3], "simulated")
    results = {
        tasks[0].key: {"figures": {"score": 1.0, "odd": None}, "failures": []},
        tasks[1].key: {"figures": {"score": 2.0}, "failures": [{"check": "score"}]},
        tasks[2].key: {"figures": {"score": 6.0, "late": 5}, "failures": []},
        tasks[3].key: {"figures": {"score": 4.0}},
    }
    rows = summary_of(SweepResult(tasks=tasks, results=results, errors={}, interrupted=True))
    assert [(row.point["population.nodes"], row.runs, row.passed) for row in rows] == [
        ("50", 3, 2),
        ("100", 1, 1),
        ("200", 0, 0),
    ]
    assert rows[0].figures == {"score": Spread(3.0, 1.0, 6.0), "late": Spread(5.0, 5, 5)}
    assert rows[1].document()["figures"] == {"score": {"mean": 4.0, "min": 4.0, "max": 4.0}}
    assert rows[2].figures == {}
