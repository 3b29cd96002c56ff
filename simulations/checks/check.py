"""A thing that must hold all the time: looked at every few virtual seconds on a few hosts, or told of events.

A look costs bounded time whatever the number of hosts: each takes the next few in turn. What an event shows is kept
with the number of that event and given at the next look.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..host import Host
from ..outcome import Failure
from ..stage import Stage
from .truth import Truth

HOSTS_PER_LOOK = 64
"""Hosts looked at in one look; 10,000 have had their turn after 157 looks."""

KEPT_MAX = 100
"""Failures of one check that wait to be given; the first is what matters."""


class Check:
    """One invariant; subclasses look at a host (`look_at`), at everything (`look_around`), or subscribe to events."""

    name = ""
    about = ""
    """What holds, in a line."""

    def __init__(self, stage: Stage, truth: Truth) -> None:
        self.stage = stage
        self.truth = truth
        self._cursor = 0
        self._found: deque[Failure] = deque(maxlen=KEPT_MAX)

    def look(self, now_s: float) -> Failure | None:
        """Look at the next few hosts; return a violation, if there is one."""
        self.look_around(now_s)
        for host in self._next_hosts():
            if self._found:
                break
            self.look_at(host, now_s)
        return self._found.popleft() if self._found else None

    def look_around(self, now_s: float) -> None:
        """Look at what belongs to no host."""

    def look_at(self, host: Host, now_s: float) -> None:
        """Look at one honest host that is up."""

    def violated(self, node: int | None, message: str) -> None:
        """Note a violation in the event that runs now."""
        world = self.stage.world
        self._found.append(
            Failure(check=self.name, at_s=world.now(), event=world.event, node=node, message=message)
        )

    def _next_hosts(self) -> Iterator[Host]:
        live = self.stage.population.honest_live
        for _ in range(min(HOSTS_PER_LOOK, len(live))):
            self._cursor = (self._cursor + 1) % len(live)
            yield live[self._cursor]
