from __future__ import annotations

from typing import Any

import pytest
from staged import small

from mesh99.simulations.checks import CHECKS, build_checks
from mesh99.simulations.checks.quiet import REST_S, Quiet
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.scenario.fault_times import RESTART_S, fault_ends
from mesh99.simulations.scenario.schema import Checks, Fault, Partition
from mesh99.wire.errors import ConfigError


def _fault(**settings: Any) -> Fault:
    return Fault(**settings)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        (_fault(kind="crash", at=10.0), 10.0),
        (_fault(kind="crash", at=10.0, lasts=5.0), 15.0),
        (_fault(kind="restart", at=10.0), 10.0 + RESTART_S),
        (_fault(kind="restart", at=0.0, share=1.0, batch=0.25, every=60.0, lasts=3.0), 183.0),
        (_fault(kind="slow", at=1.0, lasts=9.0), 10.0),
    ],
)
def test_a_fault_is_over_when_its_last_batch_is(fault: Fault, ends: float) -> None:
    assert fault_ends(fault) == ends


def test_the_quiet_begins_after_the_last_disturbance() -> None:
    partition = Partition(at=50.0, lasts=20.0)  # type: ignore[arg-type]
    run = HeapRun(small(partition=(partition,), fault=(_fault(kind="crash", at=10.0),)), 1)
    quiet = Quiet(run)
    assert quiet.until_s == run.at_phase(10.0)
    assert quiet.from_s == run.at_phase(70.0)
    assert quiet.is_quiet(run.at_phase(9.0))
    assert not quiet.is_quiet(run.at_phase(60.0))
    assert not quiet.is_quiet(run.at_phase(70.0) + REST_S - 1)
    assert quiet.is_quiet(run.at_phase(70.0) + REST_S)


def test_a_scenario_chooses_its_checks() -> None:
    def names(*invariants: str) -> list[str]:
        return [check.name for check in HeapRun(small(checks=Checks(invariants=invariants)), 1).checks]

    assert names("all") == [check.name for check in CHECKS]
    assert names("caps", "converged") == ["caps", "converged"]
    assert names() == []


def test_an_unknown_invariant_is_named() -> None:
    run = HeapRun(small(checks=Checks(invariants=())), 1)
    run.scenario = small(checks=Checks(invariants=("cups",)))
    with pytest.raises(ConfigError) as caught:
        build_checks(run)
    assert "cups" in str(caught.value)
