"""When something is wrong on purpose, and when the last of it is over: safety holds always, liveness afterwards."""

from __future__ import annotations

from ..scenario.fault_times import fault_ends
from ..stage import Stage

REST_S = 120.0
"""How long after a disturbance the network may still look like one."""


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
