"""Churn as it was recorded: a file with lines `seconds node up|down`, in any order of time.

A node is a number. Those up to the number of nodes at the start are the hosts of the start, except where the first
line about one says `up`: it is away until then. All others come new. Seconds count from when measuring begins; empty
lines and those that begin with `#` are skipped. A node that goes down says nothing, and comes back with what it saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ...wire.errors import ConfigError
from ..host import Host
from ..world import World
from .population import Population

FORM = "lines are `seconds node up|down`"


class Change(NamedTuple):
    """A node came or went."""

    at_s: float
    node: int
    up: bool


class ChurnTrace:
    """Let hosts come and go as a file says."""

    def __init__(self, world: World, population: Population, changes: Sequence[Change]) -> None:
        self._world = world
        self._population = population
        self._changes = changes
        self._hosts: dict[int, Host] = {}

    def begin(self, hosts: Sequence[Host]) -> None:
        """Count from now on; these are the nodes 1, 2, 3, ..."""
        now = self._world.now()
        self._hosts = dict(enumerate(hosts, start=1))
        first = {change.node: change for change in reversed(self._changes)}
        for number, host in self._hosts.items():
            if number in first and first[number].up:
                host.stop(graceful=False)
        for change in self._changes:
            self._world.call_at(now + change.at_s, partial(self._apply, change))

    def _apply(self, change: Change) -> None:
        host = self._hosts.get(change.node)
        if host is None and change.up:
            self._hosts[change.node] = self._population.start_new()
        elif host is not None and change.up:
            host.start()
        elif host is not None:
            host.crash()


def read_changes(path: Path) -> list[Change]:
    """Read a trace file; raises ConfigError that names the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("churn.trace", f"{path} cannot be read: {error}", FORM) from error
    changes = [
        _change(line.split(), f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    return sorted(changes, key=lambda change: change.at_s)


def _change(words: list[str], where: str) -> Change:
    try:
        at, node, direction = words
        change = Change(float(at), int(node), direction == "up")
    except ValueError:
        raise ConfigError("churn.trace", f"{where} says {' '.join(words)!r}", FORM) from None
    if direction not in ("up", "down") or not 0 <= change.at_s < float("inf") or change.node < 1:
        raise ConfigError("churn.trace", f"{where} says {' '.join(words)!r}", FORM)
    return change
