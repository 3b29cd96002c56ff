"""Registry down: who joins meanwhile has only what its disk remembers.

The heap tier has no registry but its introducers, and those are withheld. Whoever runs a real one (whole nodes, tier
T2) listens to `on_change` and stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ...wire.contact import Contact
from ..host import Host
from ..scenario import schema
from ..stage import Stage
from .fault import Fault


class RegistryDown(Fault):
    """Withhold the introducers from `at` for as long as it `lasts`."""

    def __init__(self, stage: Stage, spec: schema.Fault, number: int) -> None:
        super().__init__(stage, spec, number)
        self.down = False
        self.on_change: list[Callable[[bool], None]] = []
        """Told when the registry goes (True) and when it is back (False)."""
        self.refused = 0
        """Joins that got no introducers."""

    def start(self) -> None:
        """Plan its end and its return."""
        population = self.stage.population
        self._honest = population.introduce
        population.introduce = self._introduce
        self.at(self.stage.at_phase(self.spec.at), partial(self._set, True))
        if self.spec.lasts is not None:
            self.at(self.stage.at_phase(self.spec.at + self.spec.lasts), partial(self._set, False))

    def _set(self, down: bool) -> None:
        self.down = down
        for listener in self.on_change:
            listener(down)

    def _introduce(self, host: Host, contacts: Sequence[Contact]) -> Sequence[Contact]:
        if not self.down:
            return self._honest(host, contacts)
        self.refused += 1
        return ()
