"""Changing a scenario by dotted keys, as `--set`, `--nodes`, `--hours` and sweeps do."""

from __future__ import annotations

import pytest

from mesh99.simulations.scenario.changes import with_changes
from mesh99.simulations.scenario.differences import changes_between
from mesh99.simulations.scenario.reading import parse
from mesh99.simulations.scenario.schema import Churn, Fault, Nat, Population
from mesh99.simulations.scenario.units import Duration, Share
from mesh99.wire.errors import ConfigError

SCENARIO = parse(
    """
    name = "trial"
    about = "A trial."
    duration = "1h"
    [population]
    nodes = 300
    [[fault]]
    kind = "crash"
    [[fault]]
    kind = "restart"
    lasts = "5s"
    [expect]
    hops_mean = "<= 4"
    """
)


def test_values_change_and_the_rest_stays() -> None:
    changed = with_changes(
        SCENARIO,
        {
            "population.nodes": "500",
            "duration": "2h",
            "churn.session.scale": "30m",
            "fault.1.share": "25%",
            "fault[0].at": "10s",
            "links.burst_packets": "4.5",
            "nat.hairpin": "true",
            "checks.invariants": "a, b",
            "expect.lookup_success": ">= 0.9",
        },
    )
    assert (changed.population.nodes, changed.duration) == (500, 7200)
    assert changed.churn is not None
    assert changed.churn.session.scale == 1800
    assert changed.churn.always_online == Churn().always_online
    assert changed.fault == (
        Fault(kind="crash", at=Duration(10)),
        Fault(kind="restart", lasts=Duration(5), share=Share(0.25)),
    )
    assert changed.links.burst_packets == 4.5
    assert changed.nat == Nat(hairpin=True)
    assert changed.checks.invariants == ("a", "b")
    assert changed.expect == {"hops_mean": "<= 4", "lookup_success": ">= 0.9"}
    assert (SCENARIO.population.nodes, SCENARIO.expect) == (300, {"hops_mean": "<= 4"})


def test_none_takes_away() -> None:
    changed = with_changes(SCENARIO, {"churn.graceful": "1", "churn": "none"})
    assert changed.churn is None
    assert with_changes(SCENARIO, {"workload.lookups_every": "none"}).workload.lookups_every is None
    assert with_changes(SCENARIO, {"fault": "none"}).fault == ()
    assert with_changes(SCENARIO, {"expect.hops_mean": "none"}).expect == {}
    assert with_changes(SCENARIO, {"expect": "none"}).expect == {}
    assert with_changes(SCENARIO, {"population": "none"}).population == Population()


def test_the_index_after_the_last_appends() -> None:
    changed = with_changes(
        SCENARIO, {"fault.2.kind": "slow", "adversary.0.kind": "sybil", "adversary.0.count": "5"}
    )
    assert changed.fault[2] == Fault(kind="slow")
    assert changed.adversary[0].count == 5


def test_none_is_the_default_where_there_has_to_be_a_value() -> None:
    changed = with_changes(
        SCENARIO, {"population.nodes": "none", "fault.1.lasts": "3s", "fault.1.share": "none"}
    )
    assert changed.population.nodes == Population().nodes
    assert changed.fault[1] == Fault(kind="restart", lasts=Duration(3))


def test_tables_of_an_array_are_taken_away_under_their_old_indices() -> None:
    changed = with_changes(SCENARIO, {"fault.0": "none", "fault.1.lasts": "3s", "fault.2.kind": "slow"})
    assert changed.fault == (Fault(kind="restart", lasts=Duration(3)), Fault(kind="slow"))
    with pytest.raises(ConfigError, match=r"^fault\.0\.at: was taken away by another change"):
        with_changes(SCENARIO, {"fault.0": "none", "fault.0.at": "3s"})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"population.nodes": "5", "links.mtu": "1280 B", "duration": "2h"},
        {"churn.always_online": "10.5%"},
        {"churn.session.scale": "2h", "nat.hairpin": "true"},
        {"fault.0.share": "20%", "fault.1": "none"},
        {"fault.2.kind": "slow", "adversary.0.kind": "sybil", "adversary.0.count": "4"},
        {"workload.lookups_every": "none", "checks.invariants": "a,b"},
        {"expect.hops_mean": "none", "expect.joined": "== 5"},
        {"name": "other", "about": "Another."},
    ],
)
def test_differences_are_the_changes_both_ways(changes: dict[str, str]) -> None:
    changed = with_changes(SCENARIO, changes)
    assert changes_between(SCENARIO, changed) == changes
    assert with_changes(changed, changes_between(changed, SCENARIO)) == SCENARIO


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("population.nodes", "many", 'population.nodes: must be a whole number, not "many"'),
        ("population.nodes", "1", "population.nodes: must be 2 to 16777215 in tier heap, not 1"),
        ("population.nods", "3", "population.nods: unknown key (did you mean nodes?); allowed: nodes, "),
        ("nodes", "3", "nodes: unknown key (did you mean population.nodes?)"),
        ("population", "3", "population: is a table: set one of its keys (nodes, "),
        (
            "population.nodes.x",
            "3",
            "population.nodes.x: unknown key: population.nodes is a value, not a table",
        ),
        ("duration", "3", "duration: must be a duration with its unit"),
        ("links.burst_packets", "x", 'links.burst_packets: must be a number, not "x"'),
        ("nat.hairpin", "yes", 'nat.hairpin: must be true or false, not "yes"'),
        ("tier", "haep", "tier: must be one of agents, heap, model, processes"),
        (
            "fault.5",
            "none",
            "fault.5: needs an index and a key: fault.0 to fault.1 are there and fault.2 adds one",
        ),
        ("fault.3.at", "1s", "fault.3.at: needs an index and a key"),
        ("fault.2.at", "1s", "fault[2].kind: is missing: every [[fault]] needs it"),
        ("partition.x.at", "1s", "partition.x.at: needs an index and a key: partition.0 adds one"),
        ("expect", ">= 1", "expect: needs one name, such as expect.lookup_success"),
        ("a..b", "1", '"a..b": must be keys with dots between'),
        ("", "1", "key: must be keys with dots between"),
    ],
)
def test_what_is_wrong_is_said_as_for_files(key: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_changes(SCENARIO, {key: text})
    assert str(caught.value).startswith(message)
