"""What can be made smaller in a scenario, one step at a time.

A dimension gives scenarios that are each a step smaller in one respect, those that save most first. A failure that
stays under none of the steps of any dimension is as small as this can make it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

from msgspec.structs import replace

from ...wire.errors import ConfigError
from ..outcome import Failure
from ..population.arrivals import join_over_s
from ..scenario.checking import check
from ..scenario.schema import Latency, Links, Part, Scenario, Workload
from ..scenario.units import Duration, Share, written

PartT = TypeVar("PartT", bound=Part)

NODES_MIN = 2
FEW_NODES = 20
"""Up to here every number of nodes is tried, from below: so small runs cost next to nothing."""

ENTRIES = ("adversary", "fault", "partition", "arrival")
"""Arrays of a scenario; any of their tables may go."""

SHORTEST_S = 5.0
"""In less measured time not even one request may come to its end."""

SHORTER = (0.25, 0.5, 0.75, 0.9)
"""Shares of the measured phase that are tried as its length."""

AFTER_S = 1.0
"""How long a run goes on after its failure when it is cut."""

PLAIN_LATENCY = Latency(model="fixed", jitter=Share(0.0))
PLAIN_LINKS = Links(loss=Share(0.0))


@dataclass(frozen=True, slots=True)
class Step:
    """A scenario that is smaller in one respect."""

    text: str
    """What was done, in a few words."""
    scenario: Scenario


Dimension = Callable[[Scenario, Failure], Iterator[Step]]
"""Gives the steps from a scenario that failed so."""


def steps(dimension: Dimension, scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Yield the steps of a dimension that are scenarios: not all that can be left out can be left out alone."""
    for step in dimension(scenario, failure):
        if step.scenario != scenario and _is_possible(step.scenario):
            yield step


def only_the_failing_check(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Look for nothing but the failure: the run then ends with it, and costs less."""
    figure = {name: text for name, text in scenario.expect.items() if name == failure.check}
    quiet = replace(scenario, expect=figure)
    alone = replace(scenario.checks, invariants=() if figure else (failure.check,))
    yield Step("only the check that fails", replace(quiet, checks=alone))
    yield Step("nothing else is expected", quiet)
    if scenario.checks.converge_within is not None:
        yield Step("no liveness phase", _with(scenario, "checks", converge_within=None))


def nothing_after(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Cut after the failure."""
    seconds = float(ceil(failure.at_s - began_measuring_s(scenario) + AFTER_S))
    if 0 < seconds < scenario.duration:
        yield _cut(scenario, seconds)


def less_time(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Let the run and its settling be shorter."""
    for share in SHORTER:
        seconds = float(ceil(scenario.duration * share))
        if SHORTEST_S <= seconds < scenario.duration:
            yield _cut(scenario, seconds)
    for settle_s in (0.0, scenario.settle / 2):
        if settle_s < scenario.settle:
            yield Step(f"settle {_text(settle_s)}", replace(scenario, settle=Duration(settle_s)))


def fewer_nodes(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Half the nodes, three quarters; when there are few, every number from below."""
    nodes = scenario.population.nodes
    few = range(NODES_MIN, min(nodes, FEW_NODES + 1)) if nodes <= 2 * FEW_NODES else ()
    for count in (nodes // 2, nodes * 3 // 4, *few, nodes * 9 // 10):
        if NODES_MIN <= count < nodes:
            yield Step(f"{count} nodes", _with(scenario, "population", nodes=count))


def fewer_entries(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Leave out what happens: all of a kind, then one by one."""
    for name in ENTRIES:
        entries = getattr(scenario, name)
        if entries:
            yield Step(f"no {name}", _replaced(scenario, {name: ()}))
        if len(entries) > 1:
            for index in range(len(entries)):
                rest = entries[:index] + entries[index + 1 :]
                yield Step(f"without {name}[{index}]", _replaced(scenario, {name: rest}))


def fewer_hit(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Let one node be an adversary, and half as many be hit."""
    for index, adversary in enumerate(scenario.adversary):
        one = replace(adversary, share=Share(0.0), count=1)
        yield Step(f"adversary[{index}]: one", _entry(scenario, "adversary", index, one))
    for name in ("fault", "partition", "arrival"):
        for index, entry in enumerate(getattr(scenario, name)):
            if entry.share * scenario.population.nodes >= 2:
                half = replace(entry, share=type(entry.share)(entry.share / 2))
                yield Step(f"{name}[{index}]: half as many", _entry(scenario, name, index, half))


def steadier(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Leave out churn, or what is special about it."""
    if scenario.churn is None:
        return
    yield Step("no churn", replace(scenario, churn=None))
    plain = replace(scenario.churn, new_identity=Share(0.0), diurnal=Share(0.0))
    yield Step("plain churn", replace(scenario, churn=plain))
    yield Step("nobody says goodbye", _with(scenario, "churn", graceful=Share(0.0)))


def plainer_network(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Leave out NATs, loss and all else that a wide area has."""
    plain = replace(scenario, nat=None, latency=PLAIN_LATENCY, links=PLAIN_LINKS)
    yield Step("a plain network", plain)
    yield Step("no NATs", replace(scenario, nat=None))
    yield Step("one delay for all", replace(scenario, latency=PLAIN_LATENCY))
    yield Step("perfect links", replace(scenario, links=PLAIN_LINKS))
    yield Step("no loss", _with(scenario, "links", loss=Share(0.0), burst_loss=Share(0.0)))


def less_work(scenario: Scenario, failure: Failure) -> Iterator[Step]:
    """Leave out what the nodes do with their network."""
    idle = Workload(lookups_every=None)
    yield Step("no workload", replace(scenario, workload=idle))
    for name in ("requests_every", "gets_every", "lookups_every"):
        yield Step(f"no {name}", _with(scenario, "workload", **{name: None}))
    yield Step("no keys", _with(scenario, "workload", gets_every=None, keys=0))
    yield Step("no publishers", _with(scenario, "population", publishers=Share(0.0)))
    yield Step("one introducer", _with(scenario, "population", introducers=1))
    yield Step("the default profile", _with(scenario, "population", profile="default"))


DIMENSIONS: tuple[Dimension, ...] = (
    only_the_failing_check,
    nothing_after,
    fewer_nodes,
    fewer_entries,
    fewer_hit,
    steadier,
    plainer_network,
    less_work,
    less_time,
)
"""In the order in which they are tried: first what makes the runs cheaper."""


def began_measuring_s(scenario: Scenario) -> float:
    """Return the virtual time from which the times of a scenario count."""
    return join_over_s(scenario.population) + scenario.settle


def _cut(scenario: Scenario, seconds: float) -> Step:
    """Return a scenario that ends earlier; what would come later goes with the rest."""
    entries = {
        name: tuple(entry for entry in getattr(scenario, name) if entry.at < seconds) for name in ENTRIES
    }
    within = scenario.checks.converge_within
    if within is not None and within > seconds:
        scenario = _with(scenario, "checks", converge_within=Duration(seconds))
    return Step(f"{_text(seconds)} long", _replaced(scenario, {"duration": Duration(seconds), **entries}))


def _text(seconds: float) -> str:
    return written(Duration, Duration(seconds))


def _with(scenario: Scenario, table: str, **changes: Any) -> Scenario:
    return _replaced(scenario, {table: _replaced(getattr(scenario, table), changes)})


def _entry(scenario: Scenario, name: str, index: int, entry: Any) -> Scenario:
    entries = getattr(scenario, name)
    return _replaced(scenario, {name: (*entries[:index], entry, *entries[index + 1 :])})


def _replaced(part: PartT, changes: dict[str, Any]) -> PartT:
    return replace(part, **changes)


def _is_possible(scenario: Scenario) -> bool:
    try:
        check(scenario)
    except ConfigError:
        return False
    return True
