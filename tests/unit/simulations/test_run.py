"""A run seen from outside: what is added to its outcome, what is refused, and the line that repeats it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as with_fields

from mesh99.simulations import run, run_scenario, scenarios
from mesh99.simulations.outcome import Failure, Outcome, RunOptions
from mesh99.simulations.run import changed, replay_line
from mesh99.simulations.scenario.catalog import load
from mesh99.simulations.scenario.changes import with_changes
from mesh99.simulations.scenario.schema import Scenario
from mesh99.wire.errors import ConfigError

FAILURE = Failure(check="caps", at_s=1.0, event=2, node=3, message="too many")


def _outcome(scenario: Scenario, **fields: Any) -> Outcome:
    given: dict[str, Any] = {"crypto": "simulated", "figures": {"lookup_success": 0.98}, **fields}
    return Outcome(scenario=scenario, seed=7, tier="heap", digest="d", events_digest="e", **given)


@pytest.fixture
def tier(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A tier that runs nothing; what it is given is here, and `fields` of its outcomes can be set."""
    seen: dict[str, Any] = {"fields": {}}

    def run_nothing(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
        seen.update(scenario=scenario, seed=seed, options=options)
        return _outcome(scenario, **seen["fields"])

    monkeypatch.setattr(run, "_runner", lambda name: run_nothing)
    return seen


def test_every_scenario_says_what_it_does() -> None:
    assert "join" in scenarios()
    assert all(text.endswith(".") for text in scenarios().values())


def test_size_and_length_take_the_place_of_the_scenarios_own(tier: dict[str, Any]) -> None:
    outcome = run_scenario("join", nodes=9, hours=0.5, seed=4, crypto="real")
    assert outcome.scenario.population.nodes == 9
    assert outcome.scenario.duration == 1800.0
    assert (tier["seed"], tier["options"].crypto) == (4, "real")


def test_figures_of_the_machine_and_the_version_are_added(tier: dict[str, Any]) -> None:
    outcome = run_scenario("join")
    assert outcome.figures["wall_s"] >= 0
    assert outcome.figures["peak_rss_mb"] > 1
    assert outcome.code.startswith("sources ")


def test_what_was_expected_in_vain_is_a_failure(tier: dict[str, Any]) -> None:
    expect = {"lookup_success": ">= 0.99", "hops_mean": "<= 3", "wall_s": "< 60"}
    scenario = Scenario(name="x", about="X.", expect=expect)
    missed = run_scenario(scenario).failures
    assert [failure.check for failure in missed] == ["lookup_success", "hops_mean"]
    assert missed[0].message == "0.98; expected >= 0.99"
    assert "nothing was measured" in missed[1].message


@pytest.mark.parametrize("fields", [{"interrupted": True}, {"failures": (FAILURE,)}])
def test_nothing_more_is_expected_of_a_run_that_broke_off(
    tier: dict[str, Any], fields: dict[str, Any]
) -> None:
    tier["fields"] = fields
    scenario = Scenario(name="x", about="X.", expect={"lookup_success": ">= 0.99"})
    assert run_scenario(scenario).failures == fields.get("failures", ())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"scenario": "none"}, "none"),
        ({"scenario": "join", "nodes": 0}, "population.nodes"),
        ({"scenario": "join", "hours": 0.0}, "duration"),
        ({"scenario": Path("no/such.toml")}, "such.toml"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_scenario(**arguments, seed=1)
    assert told in f"{caught.value.field} {caught.value}"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"population.nodes": "77"},
        {"duration": "90s", "churn.session.scale": "2h", "links.loss": "10%"},
        {"checks.invariants": "caps", "workload.gets_every": "none"},
        {"churn": "none", "expect.get_success": "none"},
        {"fault.0.kind": "crash", "fault.0.at": "10s", "fault.0.share": "5%"},
        {"nat.hairpin": "true", "population.join_over": "none", "links.uplink": "10 Mbit/s"},
        {"churn.session.distribution": "exponential", "churn.trace": "", "checks.every": "5s"},
        {"checks.invariants": "", "checks.stop_at_first": "false"},
        {
            "adversary.0.kind": "sybil",
            "adversary.0.share": "5%",
            "adversary.1.kind": "liar",
            "adversary.1.count": "3",
        },
    ],
)
def test_the_line_repeats_the_run(changes: dict[str, str]) -> None:
    scenario = with_changes(load("churn"), changes)
    words = shlex.split(replay_line(_outcome(scenario)))
    assert words[:4] == ["mesh99", "sim", "run", "churn"]
    assert words[-2:] == ["--seed", "7"]
    options = list(zip(words[4:-2:2], words[5:-2:2], strict=True))
    nodes = [value for option, value in options if option == "--nodes"]
    sets = dict(value.split("=", 1) for option, value in options if option == "--set")
    again = changed("churn", nodes=int(nodes[0]) if nodes else None)
    assert with_changes(again, sets) == scenario


@pytest.mark.parametrize("gone", ["fault.0", "fault.1", "fault"])
def test_the_line_takes_away_what_is_gone(gone: str) -> None:
    scenario = with_changes(load("registry-down"), {gone: "none"})
    words = shlex.split(replay_line(_outcome(scenario)))
    sets = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--set")
    assert with_changes(load("registry-down"), sets) == scenario


def test_the_line_names_the_real_suite_and_a_file() -> None:
    scenario = with_fields(load("join"), name="my own")
    assert replay_line(_outcome(scenario, crypto="real")) == (
        "mesh99 sim run 'my own.toml' --seed 7 --crypto real"
    )


def test_an_outcome_with_failures_has_not_passed() -> None:
    outcome = _outcome(load("join"))
    assert outcome.passed
    assert not replace(outcome, failures=(FAILURE,)).passed
