"""Runs for sweeps that need no simulation, and workers that need no process; found by name in worker processes too."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

from mesh99.simulations.scenario.schema import Scenario
from mesh99.wire.errors import ConfigError

FATAL_SEED = 3


def counted(scenario: Scenario, seed: int) -> Mapping[str, Any]:
    """Return a result that depends on scenario and seed only."""
    nodes = scenario.population.nodes
    score = (nodes * 7919 + seed * 104_729) % 1009 / 1009
    failures = [] if score > 0.1 else [{"check": "score", "at_s": 1.0, "message": "too low"}]
    return {"seed": seed, "figures": {"nodes": nodes, "score": score}, "failures": failures}


def killed_once(folder: Path, scenario: Scenario, seed: int) -> Mapping[str, Any]:
    """Be killed in the middle of one run, the first time."""
    mark = folder / f"killed-{scenario.population.nodes}"
    if seed == FATAL_SEED and not mark.exists():
        mark.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return counted(scenario, seed)


def killed_always(scenario: Scenario, seed: int) -> Mapping[str, Any]:
    """Be killed each time one seed is run."""
    if seed == FATAL_SEED:
        os.kill(os.getpid(), signal.SIGKILL)
    return counted(scenario, seed)


def slow_but_first(scenario: Scenario, seed: int) -> Mapping[str, Any]:
    """Take longer than any test for all seeds but the first."""
    if seed > 1:
        time.sleep(300)
    return counted(scenario, seed)


def broken(scenario: Scenario, seed: int) -> Mapping[str, Any]:
    """Fail with an error that does not survive pickling."""
    if seed == FATAL_SEED:
        error = ConfigError("links.loss", "is out of hand")
        error.add_note("repeat it: mesh99 sim run trial")
        raise error
    return counted(scenario, seed)


class InlineExecutor(Executor):
    """Run what is submitted at once; or break down where a test wants it."""

    def __init__(self, breaks: Callable[[int], bool]) -> None:
        self._breaks = breaks
        self._broken = False

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done."""
        future: Future[Any] = Future()
        if self._broken:
            raise BrokenExecutor("a worker died")
        if self._breaks(args[2]):
            self._broken = True
            future.set_exception(BrokenExecutor("a worker died"))
        else:
            future.set_result(call(*args, **kwargs))
        return future


class InlineWorkers:
    """Open executors that run in this process; `breaks(seed)` says whether a run kills its worker."""

    def __init__(self, slots: int = 2, breaks: Callable[[int], bool] = lambda seed: False) -> None:
        self.slots = slots
        self.opened = 0
        self._breaks = breaks

    def open(self) -> Executor:
        """Return a new executor."""
        self.opened += 1
        return InlineExecutor(self._breaks)

    def abandon(self, executor: Executor) -> None:
        """Let go of it."""

    def close(self) -> None:
        """Do nothing."""
