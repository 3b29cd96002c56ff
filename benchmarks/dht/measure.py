"""One round of one system: start its process and lead its network through all phases, for each size."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ..child import Child
from ..quiet import foreign_load, wait_for_quiet
from ..rounds import Round
from ..system import System
from .phases import OPERATION_TIMEOUT_S, PHASES

PROCESS = "benchmarks.dht.process"
START_TIMEOUT_S = 20.0
JOIN_TIMEOUT_S = 120.0  # the slowest system of the reference measurements took 34 s for 50 nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is the same for every system of a run."""

    cpus: tuple[int, ...]
    loop: str
    net: str
    """One of ways.WAYS."""
    nodes: tuple[int, ...]
    keys: int
    budget_s: float
    """Time in which operations of a phase may begin; a slow system then does fewer of them."""
    quiet_wait_s: float

    @property
    def placement(self) -> str:
        """Say where the process runs."""
        return "one process, cpu " + "+".join(map(str, self.cpus))


def measure(system: System, conditions: Conditions) -> Round:
    """Measure every size of network; raises ChildFailed."""
    return {case_name(nodes): measure_size(system, nodes, conditions) for nodes in conditions.nodes}


def case_name(nodes: int) -> str:
    """Name the case of a size."""
    return f"{nodes} nodes"


def measure_size(system: System, nodes: int, conditions: Conditions) -> dict[str, Any]:
    """Lead one network through its life."""
    settings = {
        "system": system.name,
        "module": system.module,
        "loop": conditions.loop,
        "cpus": conditions.cpus,
        "nodes": nodes,
        "keys": conditions.keys,
        "budget_s": conditions.budget_s,
        "net": conditions.net,
        "seed": nodes,
    }
    figures: dict[str, Any] = {}
    foreign_cores = 0.0
    with closing(Child(PROCESS, settings, START_TIMEOUT_S)) as child:
        for phase in PHASES:
            # The kill is not timed, and the gets after it must come before a system can repair its tables.
            if phase not in ("kill", "get after kill"):
                wait_for_quiet(conditions.quiet_wait_s)
            with foreign_load() as foreign:
                timeout_s = JOIN_TIMEOUT_S + conditions.budget_s + OPERATION_TIMEOUT_S
                figures |= child.ask({"phase": phase}, timeout_s)
            foreign_cores = max(foreign_cores, foreign.cores)
    return figures | {"foreign_cores": foreign_cores}
