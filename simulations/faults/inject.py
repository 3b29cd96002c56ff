"""Fault points in the code: made to fail for some hosts, with a probability each time they are passed.

Every (seed, point, node) has its own random numbers, so that one more pass here shifts nothing there, and nothing else
in the run draws from them.
"""

from __future__ import annotations

from random import Random
from typing import Any

from ...wire import fault_points
from ..host import Host
from ..scenario import schema
from ..stage import Stage
from .fault import Fault


class Armed:
    """One point of one node."""

    __slots__ = ("probability", "random")

    def __init__(self, random: Random, probability: float) -> None:
        self.random = random
        self.probability = probability


class Plan:
    """All points that are armed now; it is what fault_points asks, while there are any."""

    def __init__(self) -> None:
        self.fired: dict[str, int] = {}
        """How often each point failed."""
        self._armed: dict[tuple[str, bytes], Armed] = {}

    def arm(self, point: str, node_id: bytes, random: Random, probability: float) -> None:
        """Let a point fail for a node."""
        self._armed[point, node_id] = Armed(random, probability)
        fault_points.begin(self.decide)

    def disarm(self, point: str, node_id: bytes) -> None:
        """Let it fail no more."""
        self._armed.pop((point, node_id), None)
        if not self._armed:
            fault_points.end()

    def decide(self, point: str, node_id: bytes) -> bool:
        """Tell whether a point fails this time."""
        armed = self._armed.get((point, node_id))
        if armed is None or armed.random.random() >= armed.probability:
            return False
        self.fired[point] = self.fired.get(point, 0) + 1
        return True

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take effect in the process in which a run goes on."""
        self.__dict__.update(state)
        if self._armed:
            fault_points.begin(self.decide)


class Inject(Fault):
    """Arm one point."""

    def __init__(self, stage: Stage, spec: schema.Fault, number: int, plan: Plan) -> None:
        fault_points.check_point(spec.point)
        super().__init__(stage, spec, number)
        self.plan = plan

    def hit(self, host: Host) -> None:
        """Arm it for a host."""
        point = self.spec.point
        random = self.stage.world.random(host.index, f"fault point {point}")
        self.plan.arm(point, host.identity.node_id, random, self.spec.probability)

    def spare(self, host: Host) -> None:
        """Disarm it."""
        self.plan.disarm(self.spec.point, host.identity.node_id)

    def stop(self) -> None:
        """Disarm it for everybody."""
        for host in self.stage.population.hosts.values():
            self.spare(host)
