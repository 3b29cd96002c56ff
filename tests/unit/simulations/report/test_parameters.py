"""What tells runs apart."""

from __future__ import annotations

import pytest
from outcomes import outcome, partitioned

from mesh99.simulations.report.parameters import grouped, parameters_of, text_of
from mesh99.simulations.scenario.units import Duration, Rate, Share, Size


def test_every_value_has_a_dotted_key() -> None:
    values = parameters_of(partitioned().scenario)
    assert values["population.nodes"] == 200
    assert values["partition.0.lasts"] == 600
    assert values["checks.invariants"] == "all"
    assert "churn.session.scale" not in values
    assert parameters_of(outcome(session_s=60).scenario)["churn.session.scale"] == 60


def test_seeds_are_put_together_and_groups_named_by_what_differs() -> None:
    runs = [outcome(nodes=nodes, seed=seed) for nodes in (1000, 20) for seed in (1, 2)]
    groups = grouped(runs)
    assert [group.label for group in groups] == ["1,000 nodes", "20 nodes"]
    assert [[run.seed for run in group.runs] for group in groups] == [[1, 2], [1, 2]]


def test_one_group_needs_no_name() -> None:
    assert [group.label for group in grouped([outcome(), outcome(seed=2)])] == [""]


def test_scenarios_are_named_and_told_apart_inside_each() -> None:
    runs = [outcome(session_s=600), outcome(session_s=7200), partitioned(), partitioned(crypto="real")]
    assert [group.label for group in grouped(runs)] == [
        "churn, scale 10m",
        "churn, scale 2h",
        "partition, simulated crypto",
        "partition, real crypto",
    ]


def test_what_is_varied_does_not_divide() -> None:
    runs = [outcome(nodes=10), outcome(nodes=20), outcome(nodes=20, session_s=60)]
    groups = grouped(runs, without=("population.nodes",))
    assert [len(group.runs) for group in groups] == [2, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Duration(7200), "2h"),
        (Share(0.25), "25%"),
        (Size(65536), "64 KiB"),
        (Rate(1.25e6), "10 Mbit/s"),
        (True, "true"),
        ("planetlab", "planetlab"),
        (10_000, "10,000"),
        (0.125, "0.125"),
    ],
)
def test_values_read_as_people_write_them(value: int | float | str, text: str) -> None:
    assert text_of(value) == text
