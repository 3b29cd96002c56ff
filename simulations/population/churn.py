"""Hosts that come and go.

A share of them never leaves. Every other one goes through sessions and absences, whose lengths are drawn from the two
distributions, independently of all that happens in the network. As many more hosts are away at first as it takes for
the number of those that are up to stay what it is, and the first session or absence of each is what is left of one that
is met at a random moment (lifetimes.py): the population is stationary from the first second.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, pi, sin

from ...wire.errors import ConfigError
from ..host import Host
from ..scenario.schema import Churn as Settings
from ..world import ScheduledCall, World
from .lifetimes import draw_s, mean_s, residual_s
from .population import Population

DAY_S = 86_400.0

SWING_STEP_S = 300.0
"""How often the population is brought to where the time of day wants it: 288 steps a day look smooth."""


class Churn:
    """Let the hosts of a population come and go."""

    def __init__(self, world: World, population: Population, settings: Settings) -> None:
        self.world = world
        self.population = population
        self.settings = settings
        self.random = world.random(0, "churn")
        self._members: list[Member] = []
        self._stay = 0
        self._mean = 0
        self._began_s = 0.0
        check(settings)

    def begin(self, hosts: Sequence[Host]) -> None:
        """Let these come and go from now on, and others that are away now."""
        settings, random = self.settings, self.random
        self._stay = round(settings.always_online * len(hosts))
        self._mean = len(hosts)
        self._began_s = self.world.now()
        for host in random.sample(hosts, len(hosts) - self._stay):
            self._members.append(Member(self, host))
            self._members[-1].leave_in(residual_s(settings.session, random))
        away = len(self._members) * mean_s(settings.offline) / mean_s(settings.session)
        for _ in range(round(away)):
            self._members.append(Member(self, None))
            self._members[-1].come_in(residual_s(settings.offline, random))
        if settings.diurnal:
            self.world.call_at(self._began_s + SWING_STEP_S, self._follow_the_day)

    def take_in(self, host: Host) -> None:
        """Let a host that has just come leave one day, as all others."""
        self._members.append(Member(self, host))
        self._members[-1].leave_in(draw_s(self.settings.session, self.random))

    def _follow_the_day(self) -> None:
        """Let as many come or go as the time of day wants: most are there after a quarter of a day."""
        phase = 2 * pi * (self.world.now() - self._began_s) / DAY_S
        wanted = round(self._mean * (1 + self.settings.diurnal * sin(phase))) - self._stay
        there = [member for member in self._members if member.is_up]
        away = [member for member in self._members if not member.is_up]
        for member in self.random.sample(there, min(len(there), max(0, len(there) - wanted))):
            member.leave()
        for member in self.random.sample(away, min(len(away), max(0, wanted - len(there)))):
            member.come()
        self.world.call_at(self.world.now() + SWING_STEP_S, self._follow_the_day)


class Member:
    """Somebody who is there, and away, and there again: with the same host, or with a new one."""

    __slots__ = ("_call", "_churn", "_host")

    def __init__(self, churn: Churn, host: Host | None) -> None:
        self._churn = churn
        self._host = host
        self._call: ScheduledCall | None = None

    @property
    def is_up(self) -> bool:
        """Tell whether its host is up."""
        return self._host is not None and self._host.up

    def leave_in(self, delay_s: float) -> None:
        """Leave after a time."""
        self._schedule(delay_s, True)

    def come_in(self, delay_s: float) -> None:
        """Come after a time."""
        self._schedule(delay_s, False)

    def leave(self) -> None:
        """Leave now, with a word or without; then come back."""
        churn, settings = self._churn, self._churn.settings
        graceful = churn.random.random() < settings.graceful
        if self._host is not None and self._host.up:
            if graceful:
                self._host.stop()
            else:
                self._host.crash()
        self.come_in(draw_s(settings.offline, churn.random))

    def come(self) -> None:
        """Come now; then leave."""
        churn, settings = self._churn, self._churn.settings
        is_new = churn.random.random() < settings.new_identity
        if self._host is None or (is_new and not self._host.up):
            self._host = churn.population.start_new()
        else:
            self._host.start()
        self.leave_in(draw_s(settings.session, churn.random))

    def _schedule(self, delay_s: float, leave: bool) -> None:
        if self._call is not None:
            self._call.cancel()
        world = self._churn.world
        self._call = world.call_at(world.now() + delay_s, self.leave if leave else self.come)


def check(settings: Settings) -> None:
    """Raise ConfigError for distributions without a mean: no population is stationary under them."""
    for name, lifetimes in (("session", settings.session), ("offline", settings.offline)):
        if isinf(mean_s(lifetimes)):
            raise ConfigError(
                f"churn.{name}.shape", f"{lifetimes.shape:g} has no mean", "a Pareto shape must be over 1"
            )
