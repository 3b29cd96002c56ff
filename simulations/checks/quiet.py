"""When something is wrong on purpose, and when the last of it is over: safety holds always, liveness afterwards."""

from __future__ import annotations

from ..scenario.schema import Fault
from ..stage import Stage

REST_S = 120.0
"""How long after a disturbance the network may still look like one."""

RESTART_S = 5.0
"""How long a node that restarts is away when the scenario does not say."""


class Quiet:
    """Know the disturbances of a scenario."""

    def __init__(self, stage: Stage) -> None:
        scenario = stage.scenario
        spans = [(partition.at, partition.at + partition.lasts) for partition in scenario.partition]
        spans += [(fault.at, fault_ends(fault)) for fault in scenario.fault]
        spans += [(arrival.at, arrival.at + arrival.over) for arrival in scenario.arrival]
        spans += [(adversary.at, adversary.at) for adversary in scenario.adversary if adversary.at]
        self._spans_s = [(stage.at_phase(begins), stage.at_phase(ends)) for begins, ends in spans]

    @property
    def disturbed(self) -> bool:
        """Tell whether the scenario has any disturbance."""
        return bool(self._spans_s)

    @property
    def from_s(self) -> float:
        """Virtual time at which the last disturbance is over; the first moment when there is none."""
        return max((ends for _, ends in self._spans_s), default=0.0)

    @property
    def until_s(self) -> float:
        """Virtual time at which the first disturbance begins."""
        return min((begins for begins, _ in self._spans_s), default=float("inf"))

    def is_quiet(self, now_s: float) -> bool:
        """Tell whether no disturbance is under way or just over."""
        return not any(begins <= now_s < ends + REST_S for begins, ends in self._spans_s)


def fault_ends(fault: Fault) -> float:
    """Return when a fault is over, in seconds of the measured phase: when its last batch is, and no host is hit.

    One that has no end changes nothing any more after its last batch began.
    """
    batches = 1 if not fault.batch else -(-fault.share // fault.batch)
    lasts_s = float(fault.lasts or 0.0)
    if fault.lasts is None and fault.kind in ("restart", "disk-loss"):
        lasts_s = RESTART_S
    return fault.at + (batches - 1) * fault.every + lasts_s
