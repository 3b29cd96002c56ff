"""What checks share of the truth: who went when, and when something was wrong on purpose."""

from __future__ import annotations

from ..stage import Stage
from .departures import Departures
from .quiet import Quiet


class Truth:
    """The truth about one run."""

    def __init__(self, stage: Stage) -> None:
        self.departures = Departures(stage)
        self.quiet = Quiet(stage)
        pauses = [fault.size for fault in stage.scenario.fault if fault.kind == "slow"]
        self.asleep_s = 2 * max(pauses, default=0.0)
        """A starved node finds nothing out while it sleeps: what is allowed for that."""
