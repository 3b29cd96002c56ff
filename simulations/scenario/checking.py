"""Check what the classes of a scenario cannot say: ranges, and what fits together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ...wire.errors import ConfigError
from .expectations import Expectation
from .ranges import NODES_MAX, NODES_MAX_BY_TIER, NODES_MIN, out_of_range
from .schema import Adversary, Fault, Lifetimes, Nat, Part, Scenario
from .shape import key_text, keys_of
from .units import Duration, shown, written

Steps = tuple[str | int, ...]
Problem = tuple[Steps, str]
Rule = Callable[[Scenario], Iterator[Problem]]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
"""Results are files of this name."""

FIGURE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)

NAT_KINDS = (
    "endpoint_independent",
    "address_restricted",
    "port_restricted",
    "symmetric",
    "symmetric_sequential",
    "udp_blocked",
)


def check(scenario: Scenario, source: str = "") -> None:
    """Raise ConfigError for the first value that cannot be; `source` is the file it comes from."""
    for path, problem in _problems(scenario):
        key = key_text(path)
        raise ConfigError(f"{source}: {key}" if source else key, problem)


def _problems(scenario: Scenario) -> Iterator[Problem]:
    yield from _values(scenario, ())
    for rule in RULES:
        yield from rule(scenario)


def _values(part: Part, path: Steps) -> Iterator[Problem]:
    """Look at each value by itself."""
    for key in keys_of(type(part)).values():
        value, here = getattr(part, key.name), (*path, key.name)
        if isinstance(value, Part):
            yield from _values(value, here)
        elif key.is_array:
            for index, table in enumerate(value):
                yield from _values(table, (*here, index))
        elif (problem := out_of_range(type(part), key, value)) is not None:
            yield here, problem


def _texts(scenario: Scenario) -> Iterator[Problem]:
    if not NAME.fullmatch(scenario.name):
        allowed = "1 to 64 letters, digits and . _ - (results are files of this name)"
        yield ("name",), f"must be {allowed}, not {shown(scenario.name)}"
    if not scenario.about.strip() or not scenario.about.isprintable():
        yield ("about",), f"must be one line of text, not {shown(scenario.about)}"


def _population(scenario: Scenario) -> Iterator[Problem]:
    nodes, most = scenario.population.nodes, NODES_MAX_BY_TIER[scenario.tier]
    if not NODES_MIN <= nodes <= most:
        yield ("population", "nodes"), f"must be {NODES_MIN} to {most} in tier {scenario.tier}, not {nodes}"
    more = sum(arrival.share * nodes for arrival in scenario.arrival)
    more += sum(adversary.share * nodes + adversary.count for adversary in scenario.adversary)
    if scenario.tier != "model" and nodes + more > NODES_MAX:
        problem = (
            f"with arrivals and adversaries there are {nodes + more:.0f} nodes, and addresses for {NODES_MAX}"
        )
        yield ("population", "nodes"), problem


def _families(scenario: Scenario) -> Iterator[Problem]:
    population = scenario.population
    if population.ipv6_only + population.dual_stack > 1 + 1e-9:
        yield ("population", "dual_stack"), "and population.ipv6_only may add up to at most 100%"
    if not population.is_mixed:
        return
    if scenario.tier != "heap":
        yield ("population",), f"ipv6_only and dual_stack are for tier heap, not {scenario.tier}"
    if scenario.nat is not None:
        yield ("population",), "ipv6_only and dual_stack do not go with nat: its boxes speak IPv4"


def _nat(scenario: Scenario) -> Iterator[Problem]:
    if scenario.population.relays and (scenario.nat is None or scenario.tier != "heap"):
        yield ("population", "relays"), "is for tier heap with nat: elsewhere nobody needs a relay"
    if scenario.nat is not None and (total := _nat_share(scenario.nat)) > 1 + 1e-9:
        yield (
            ("nat",),
            f"the shares of {', '.join(NAT_KINDS)} may add up to at most 100%, not {total * 100:.4g}%",
        )


def _nat_share(nat: Nat) -> float:
    return sum(float(getattr(nat, kind)) for kind in NAT_KINDS)


def _links(scenario: Scenario) -> Iterator[Problem]:
    links = scenario.links
    if (links.uplink or links.downlink) and links.queue < links.mtu:
        yield ("links", "queue"), f"must hold a packet of links.mtu ({links.mtu} B), not {links.queue} B"


def _churn(scenario: Scenario) -> Iterator[Problem]:
    if scenario.churn is None:
        return
    for name in ("session", "offline"):
        lifetimes: Lifetimes = getattr(scenario.churn, name)
        if lifetimes.distribution == "pareto" and lifetimes.shape <= 1:
            problem = f"must be more than 1 for pareto, which has no mean otherwise, not {lifetimes.shape:g}"
            yield ("churn", name, "shape"), problem
    trace = scenario.churn.trace
    if trace and not Path(trace).is_file():
        yield (
            ("churn", "trace"),
            f"must be a file with lines `seconds node up|down`; there is no {shown(trace)}",
        )


def _times(scenario: Scenario) -> Iterator[Problem]:
    for name in ("arrival", "partition", "fault", "adversary"):
        for index, happening in enumerate(getattr(scenario, name)):
            if happening.at >= scenario.duration:
                end = written(Duration, scenario.duration)
                problem = f"must be before the end (duration is {end}), not {written(Duration, happening.at)}"
                yield (name, index, "at"), problem


def _faults(scenario: Scenario) -> Iterator[Problem]:
    for index, fault in enumerate(scenario.fault):
        for key, problem in _fault(fault):
            yield ("fault", index, key), problem


def _fault(fault: Fault) -> Iterator[tuple[str, str]]:
    if fault.kind == "inject" and not fault.point:
        yield "point", "is missing: inject needs the fault point in the code that shall fail"
    if fault.kind != "inject" and fault.point:
        yield "point", f"is for inject only, and this is {fault.kind}"
    if fault.kind == "restart" and fault.lasts is None:
        yield "lasts", "is missing: a restart needs the time for which the node is down"
    if fault.batch is not None and fault.batch > fault.share:
        limit = f"at most fault.share ({fault.share * 100:g}%)"
        yield "batch", f"must be {limit}, not {fault.batch * 100:g}%"
    if fault.size < 0 and fault.kind not in ("clock-drift", "clock-jump"):
        yield "size", f"must be at least 0s for {fault.kind}: only clocks go back"


def _adversaries(scenario: Scenario) -> Iterator[Problem]:
    for index, adversary in enumerate(scenario.adversary):
        if not _is_somebody(adversary):
            yield ("adversary", index, "share"), "an adversary needs a share or a count over 0"


def _is_somebody(adversary: Adversary) -> bool:
    return adversary.share > 0 or adversary.count > 0


def _workload(scenario: Scenario) -> Iterator[Problem]:
    workload = scenario.workload
    if workload.gets_every is not None and workload.keys == 0:
        yield (
            ("workload", "keys"),
            "must be at least 1 where workload.gets_every is set: gets read one of the keys",
        )
    if workload.meets_every is not None and (scenario.tier != "heap" or scenario.population.publishers < 1):
        yield (
            ("workload", "meets_every"),
            "needs tier heap and population.publishers = 100%: records to call by",
        )
    if workload.requests_every is not None and scenario.tier not in ("agents", "processes"):
        problem = f"needs whole nodes: tier agents or processes, and this is {scenario.tier}"
        yield ("workload", "requests_every"), problem


def _converging(scenario: Scenario) -> Iterator[Problem]:
    within = scenario.checks.converge_within
    if within is not None and within > scenario.duration:
        problem = f"must be at most the duration ({written(Duration, scenario.duration)})"
        yield ("checks", "converge_within"), f"{problem}, not {written(Duration, within)}"


def _expectations(scenario: Scenario) -> Iterator[Problem]:
    for name, text in scenario.expect.items():
        if not FIGURE.fullmatch(name):
            yield ("expect", name), "must be the name of a figure, such as lookup_success"
        try:
            Expectation.parse(text)
        except ValueError as error:
            yield ("expect", name), str(error)


def _printable(scenario: Scenario) -> Iterator[Problem]:
    """A text from a command line may hold bytes that no file can."""
    texts: list[tuple[Steps, str]] = [(("checks", "invariants"), name) for name in scenario.checks.invariants]
    texts += [(("fault", index, "point"), fault.point) for index, fault in enumerate(scenario.fault)]
    if scenario.churn is not None:
        texts.append((("churn", "trace"), scenario.churn.trace))
    for path, text in texts:
        if not text.isprintable():
            yield path, f"must be printable text, not {shown(text)}"


RULES: tuple[Rule, ...] = (
    _texts,
    _printable,
    _population,
    _families,
    _nat,
    _links,
    _churn,
    _times,
    _faults,
    _adversaries,
    _workload,
    _converging,
    _expectations,
)
