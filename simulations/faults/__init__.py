"""Faults: what goes wrong without anybody wanting it, each kind at its time and for its hosts."""

from __future__ import annotations

from ...wire import fault_points
from ..stage import Stage
from .fault import Fault
from .inject import Inject, Plan
from .machines import ClockDrift, ClockJump, Crash, DiskLoss, Restart, Slow
from .registry_down import RegistryDown

KINDS: dict[str, type[Fault]] = {
    "crash": Crash,
    "restart": Restart,
    "slow": Slow,
    "clock-drift": ClockDrift,
    "clock-jump": ClockJump,
    "disk-loss": DiskLoss,
    "registry-down": RegistryDown,
}


def build_faults(stage: Stage) -> list[Fault]:
    """Return the faults of a scenario, each of which begins with `start`; raises ConfigError for an unknown point.

    Fault points belong to the process: what another run left armed is disarmed.
    """
    fault_points.end()
    plan = Plan()
    return [
        Inject(stage, spec, number, plan) if spec.kind == "inject" else KINDS[spec.kind](stage, spec, number)
        for number, spec in enumerate(stage.scenario.fault)
    ]
