"""One round of one system: start its processes and lead its network through all phases, for each size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from ..quiet import Foreign, foreign_load, wait_for_quiet
from ..rounds import Round
from ..system import System
from .phases import OPERATION_TIMEOUT_S, WARM_UP_PUTS_PER_NODE
from .processes import Processes
from .samples import Figures, together

JOIN_TIMEOUT_S = 120.0  # the slowest system of the reference measurements took 34 s for 50 nodes
MIB_PER_MB = 1e6 / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is the same for every system of a run."""

    cpus: tuple[int, ...]
    processes: int
    """Processes that share the nodes of a network. A system with threads uses all cores from one, one in Python does
    not: with one for each core all systems have the whole machine."""
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
        """Say where the processes run."""
        processes = "one process" if self.processes == 1 else f"{self.processes} processes"
        return f"{processes}, cpu " + "+".join(map(str, self.cpus))

    @property
    def phase_timeout_s(self) -> float:
        """How long any phase may take."""
        return JOIN_TIMEOUT_S + self.budget_s + OPERATION_TIMEOUT_S


def measure(system: System, conditions: Conditions) -> Round:
    """Measure every size of network; raises ChildFailed."""
    return {case_name(nodes): measure_size(system, nodes, conditions) for nodes in conditions.nodes}


def case_name(nodes: int) -> str:
    """Name the case of a size."""
    return f"{nodes} nodes"


def measure_size(system: System, nodes: int, conditions: Conditions) -> Figures:
    """Lead one network through its life."""
    settings = [
        {
            "system": system.name,
            "module": system.module,
            "loop": conditions.loop,
            "cpus": conditions.cpus,
            "nodes": nodes,
            "budget_s": conditions.budget_s,
            "net": conditions.net,
            "seed": nodes,
            "processes": conditions.processes,
            "process": process,
        }
        for process in range(conditions.processes)
    ]
    with closing(Processes(settings, conditions.phase_timeout_s)) as processes:
        return Course(processes, nodes, conditions).figures()


class Course:
    """The phases of a network's life, in order.

    All is put and got twice: soon after joining, and once the nodes have put much. The first pass is what a new network
    does, the second what one does that is in use.
    """

    def __init__(self, processes: Processes, nodes: int, conditions: Conditions) -> None:
        self._processes = processes
        self._nodes = nodes
        self._keys = conditions.keys
        self._quiet_wait_s = conditions.quiet_wait_s
        self._foreign = Foreign()

    def figures(self) -> Figures:
        """Go through all and return what was measured."""
        figures = self._join()
        _, first = self._pass("first")
        figures |= {f"first_{name}": value for name, value in first.items()}
        figures["mib_per_node"] = figures.pop("first_mib_per_node")
        self._processes.in_turn("put", name="warm-up", keys=WARM_UP_PUTS_PER_NODE * self._nodes)
        stored, second = self._pass("key")
        figures = second | figures | self._get_after_kill(stored)
        return figures | {"foreign_cores": self._foreign.cores, "slowdown": self._foreign.slowdown}

    def _join(self) -> Figures:
        way_in = self._processes.first_nodes()
        with self._quiet():
            answers = self._processes.together("join", way_in=way_in)
        self._processes.together("settle")
        return {"join_s": max(answer["join_s"] for answer in answers)}

    def _pass(self, name: str) -> tuple[list[str], Figures]:
        """Put every key, get every key, get many; return the keys stored and what was measured."""
        with self._quiet():
            puts = self._processes.in_turn("put", name=name, keys=self._keys)
        stored = [key for answer in puts for key in answer["stored"]]
        with self._quiet():
            gets = self._processes.in_turn("get", stored=stored)
        figures = together(puts).figures("put") | together(gets).figures("get")
        return stored, figures | self._get_many(stored)

    def _get_many(self, stored: list[str]) -> Figures:
        with self._quiet():
            answers = self._processes.together("get many", stored=stored)
        sample = together(answers)
        grown_mb = sum(answer["grown_mb"] for answer in answers)
        return {
            "gets_per_s": sample.rate,
            "concurrent_success": sample.figures("get")["get_success"],
            "mib_per_node": grown_mb * MIB_PER_MB / (self._nodes - len(answers)),
        }

    def _get_after_kill(self, stored: list[str]) -> Figures:
        """Nothing lies between the kill and the gets: a system shall not have time to repair its tables."""
        with foreign_load() as foreign:
            self._processes.together("kill")
            answers = self._processes.together("get after kill", stored=stored)
        self._foreign = self._foreign.and_also(foreign)
        sample = together(answers)
        figures = sample.figures("killed_get")
        figures["killed_success"] = figures.pop("killed_get_success")
        late = {
            name: value for answer in answers for name, value in answer.items() if name.startswith("shim_")
        }
        return figures | late | {"killed_gets_per_s": sample.rate}

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Wait until others leave the machine alone, and note how quiet it was."""
        wait_for_quiet(self._quiet_wait_s)
        with foreign_load() as foreign:
            yield
        self._foreign = self._foreign.and_also(foreign)
