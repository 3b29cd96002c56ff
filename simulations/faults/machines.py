"""Machines that fail: they crash, are restarted, lose their disk, starve, and have clocks that are wrong."""

from __future__ import annotations

from functools import partial

from ..host import Host
from ..scenario.fault_times import RESTART_S
from .fault import Fault
from .stalled_overlay import StalledOverlay, resume, stall

HOUR_S = 3600.0

AWAKE_PER_PAUSE = 1.0
"""How long a starved node runs between two pauses, as a part of a pause, in the mean."""


class Crash(Fault):
    """Lose the power; with `lasts` it comes back, without it stays away."""

    def hit(self, host: Host) -> None:
        """Go without a word, and without what was not synced."""
        host.crash()

    def spare(self, host: Host) -> None:
        """Come back with what the disk has kept."""
        host.start()


class Restart(Fault):
    """Stop in order and start again, as for an upgrade; with `batch` and `every` a rolling one."""

    def hit(self, host: Host) -> None:
        """Say goodbye and come back."""
        host.stop(graceful=True)
        if self.spec.lasts is None:
            self.after(RESTART_S, partial(self.spare, host))

    def spare(self, host: Host) -> None:
        """Come back."""
        host.start()


class DiskLoss(Fault):
    """Crash and come back with an empty disk: no saved contacts, the same key (it is kept elsewhere)."""

    def hit(self, host: Host) -> None:
        """Lose the disk with the power."""
        host.crash()
        host.disk.wipe()
        if self.spec.lasts is None:
            self.after(RESTART_S, partial(self.spare, host))

    def spare(self, host: Host) -> None:
        """Come back."""
        host.start()


class Slow(Fault):
    """Give a process no time again and again, `size` long each, until `lasts` or the end."""

    def hit(self, host: Host) -> None:
        """Begin with a pause somewhere in the next while."""
        session = host.session
        ends_s = float("inf")
        if self.spec.lasts is not None:
            ends_s = self.stage.world.now() + self.spec.lasts
        self._pause_later(host, session, ends_s)

    def _pause_later(self, host: Host, session: int, ends_s: float) -> None:
        awake_s = self.random.expovariate(1 / (AWAKE_PER_PAUSE * self.spec.size))
        if self.stage.world.now() + awake_s < ends_s:
            self.after(awake_s, partial(self._pause, host, session, ends_s))

    def _pause(self, host: Host, session: int, ends_s: float) -> None:
        if not host.up or host.session != session:
            return
        pause_s = min(self.spec.size, ends_s - self.stage.world.now())
        stalled = stall(host)
        self.after(pause_s, partial(self._resume, host, session, stalled, ends_s))

    def _resume(self, host: Host, session: int, stalled: StalledOverlay, ends_s: float) -> None:
        if host.up and host.session == session:
            resume(host, stalled)
            self._pause_later(host, session, ends_s)


class ClockDrift(Fault):
    """Let clocks run fast or slow, by `size` in an hour."""

    def hit(self, host: Host) -> None:
        """Half of them are fast, half slow."""
        gain = self.spec.size / HOUR_S
        host.clock.drift(1 + gain if self.random.random() < 0.5 else 1 / (1 + gain))

    def spare(self, host: Host) -> None:
        """Run right again; what it gained stays."""
        host.clock.drift(1.0)


class ClockJump(Fault):
    """Set wall clocks wrong by `size`, forward or back; afterwards right again."""

    def hit(self, host: Host) -> None:
        """Half of them go forward, half back."""
        host.clock.jump(self.spec.size if self.random.random() < 0.5 else -self.spec.size)

    def spare(self, host: Host) -> None:
        """Put it right, as a time server does."""
        host.clock.jump(-host.clock.unix_offset_s)
