"""Something that happens to some hosts at a time: whom it hits, in which batches, and when it is over."""

from __future__ import annotations

from functools import partial

from ..host import Host
from ..scenario import schema
from ..scenario.fault_times import batches
from ..scenario.units import count_of
from ..stage import Stage


class Fault:
    """One `[[fault]]` of a scenario; subclasses say what it does to a host."""

    def __init__(self, stage: Stage, spec: schema.Fault, number: int) -> None:
        self.stage = stage
        self.spec = spec
        self.random = stage.random(f"fault {number}")
        self.struck = 0
        """Hosts hit so far."""
        self._before: dict[int, None] = {}
        self._up_most = 0

    def start(self) -> None:
        """Plan its batches."""
        at_s = self.stage.at_phase(self.spec.at)
        for batch, share in enumerate(batches(self.spec)):
            self.at(at_s + batch * self.spec.every, partial(self._strike, share))

    def hit(self, host: Host) -> None:
        """Do it to a host that is up."""

    def spare(self, host: Host) -> None:
        """End it for a host, if that is anything: `lasts` after it was hit."""

    # tools

    def at(self, when_s: float, callback: partial[None]) -> None:
        """Call back at a virtual time."""
        self.stage.world.call_at(when_s, callback)

    def after(self, seconds: float, callback: partial[None]) -> None:
        """Call back later."""
        self.at(self.stage.world.now() + seconds, callback)

    def _strike(self, share: float) -> None:
        """Hit a share of all, those first that were not hit before, and no more than the whole share.

        All are as many as were ever up at a strike: those that are down just now, hit a moment ago, belong to them.
        """
        live = sorted(self.stage.population.honest_live, key=lambda host: host.index)
        fresh = [host for host in live if host.index not in self._before]
        self._up_most = max(self._up_most, len(live))
        left = max(0, count_of(self.spec.share, self._up_most) - self.struck)
        chosen = self.random.sample(fresh, min(len(fresh), left, count_of(share, self._up_most)))
        for host in chosen:
            self._before[host.index] = None
            self.struck += 1
            self.hit(host)
            if self.spec.lasts is not None:
                self.after(self.spec.lasts, partial(self.spare, host))
