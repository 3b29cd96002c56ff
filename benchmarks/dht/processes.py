"""The processes that hold the nodes of one network, led through the phases of its life together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

from ..child import Child

PROCESS = "benchmarks.dht.process"
START_TIMEOUT_S = 20.0

Answers = list[dict[str, Any]]


class Processes:
    """A measured process for each part of the network."""

    def __init__(self, settings: Sequence[dict[str, Any]], timeout_s: float) -> None:
        """Start one with each of these settings; `timeout_s` is for each phase."""
        self._timeout_s = timeout_s
        with ExitStack() as stack:
            self._children = [
                stack.enter_context(closing(Child(PROCESS, each, START_TIMEOUT_S))) for each in settings
            ]
            self._stack = stack.pop_all()
        self._threads = ThreadPoolExecutor(len(settings))

    def first_nodes(self) -> tuple[str, int]:
        """Let each process start its first node, the first process the first of all; return where that one is.

        What a process needs for any node at all, its libraries and its loop, is there after it.
        """
        way_in = None
        for child in self._children:
            answer = self._ask(child, "first", {"way_in": way_in})
            way_in = way_in or answer["way_in"]
        host, port = way_in
        return host, port

    def together(self, phase: str, **what: Any) -> Answers:
        """Let all go through a phase at the same time; raises ChildFailed."""
        return list(self._threads.map(lambda child: self._ask(child, phase, what), self._children))

    def in_turn(self, phase: str, **what: Any) -> Answers:
        """Let one after the other go through a phase, while the nodes of the others answer; raises ChildFailed."""
        return [self._ask(child, phase, what) for child in self._children]

    def close(self) -> None:
        """End all."""
        self._threads.shutdown()
        self._stack.close()

    def _ask(self, child: Child, phase: str, what: dict[str, Any]) -> dict[str, Any]:
        return child.ask({"phase": phase, **what}, self._timeout_s)
