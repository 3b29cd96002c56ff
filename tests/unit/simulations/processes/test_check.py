"""What processes on one machine cannot do is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.simulations.processes.simulation import NODES_MAX, check, setup_of
from mesh99.simulations.scenario.schema import (
    Adversary,
    Arrival,
    Churn,
    Fault,
    Latency,
    Links,
    Nat,
    Partition,
    Population,
    Scenario,
    Workload,
)
from mesh99.simulations.scenario.units import Duration, Share
from mesh99.wire.errors import ConfigError

SOON = Duration(1.0)


def _scenario(**parts: Any) -> Scenario:
    return Scenario(name="test", about="A test.", **parts)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"nat": Nat()}, "nat"),
        ({"churn": Churn()}, "churn"),
        ({"arrival": (Arrival(at=SOON),)}, "arrival"),
        ({"partition": (Partition(at=SOON, lasts=SOON),)}, "partition"),
        ({"fault": (Fault(kind="crash"),)}, "fault"),
        ({"adversary": (Adversary(kind="sybil"),)}, "adversary"),
        ({"links": Links(duplicate=Share(0.1))}, "links"),
        ({"workload": Workload(gets_every=SOON)}, "workload"),
        ({"population": Population(start="warm")}, "population.start"),
        ({"population": Population(nodes=NODES_MAX + 1)}, "population.nodes"),
    ],
)
def test_it_is_named_and_the_way_out_is_told(parts: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(_scenario(**parts))
    assert caught.value.field == field
    assert caught.value.hint


def test_what_they_can_do_passes() -> None:
    check(_scenario(links=Links(loss=Share(0.2)), latency=Latency(jitter=Share(0.3))))


def test_children_are_told_of_plain_numbers() -> None:
    scenario = _scenario(latency=Latency(model="fixed", one_way=Duration(0.1)))
    setup = setup_of(scenario, 3, "real")
    assert setup.latency["one_way"] == 0.1
    assert type(setup.latency["one_way"]) is float
    assert (setup.seed, setup.crypto, setup.config.allow_tcp) == (3, "real", False)
    large = setup_of(_scenario(population=Population(profile="large")), 3, "real")
    assert large.config.quiet_idle_s < setup.config.quiet_idle_s
