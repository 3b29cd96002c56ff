"""Let the checks of a run look again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..checks.check import Check
from ..outcome import Failure
from ..world import World


class Looking:
    """Look at every interval, from the first on."""

    def __init__(
        self, world: World, checks: Sequence[Check], every_s: float, failed: Callable[[Failure], None]
    ) -> None:
        self._world = world
        self._checks = checks
        self._every_s = every_s
        self._failed = failed
        if checks:
            world.call_at(every_s, self._look)

    def look(self) -> None:
        """Let each look once."""
        for check in self._checks:
            failure = check.look(self._world.now())
            if failure is not None:
                self._failed(failure)

    def _look(self) -> None:
        self.look()
        self._world.call_at(self._world.now() + self._every_s, self._look)
