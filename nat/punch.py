"""When to knock where: the schedule by which both sides of a pair of boxes make holes for each other.

Both sides send to where the other is believed to be met. A packet that comes too early is lost in the other's box and
still opens one's own; so knocks come close together at first, and then thin out: most pairs meet within a round trip,
97.6 % of those that ever do at the first attempt (Trautwein et al. 2025, 4.4 million attempts).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class PunchConfig:
    """Say how long and how often to knock."""

    knocks_s: tuple[float, ...] = (
        0.0,
        0.02,
        0.05,
        0.1,
        0.15,
        0.2,
        0.3,
        0.4,
        0.6,
        0.8,
        1.0,
        1.5,
        2.0,
        3.0,
        4.0,
        5.0,
    )
    """When to knock, seconds after the start of an attempt. More knocks cost 50 bytes a target each."""

    pauses_s: tuple[float, ...] = (5.0, 10.0, 20.0, 60.0)
    """How long to wait after an attempt in vain, the last of them again and again. Raising it finds a way later."""

    targets_max: int = 26
    """Endpoints knocked at: 9 of a peer, 16 of a box that counts. Raising it lets a peer make this node send to more
    places."""


class Punch:
    """Knock at the places where one peer may be met, until it answers at one of them."""

    __slots__ = ("_attempts", "_config", "_knocks", "_passing", "_started_at", "targets")

    def __init__(self, config: PunchConfig, targets: list[Endpoint], now: float) -> None:
        self._config = config
        self.targets = targets[: config.targets_max]
        self._passing: list[Endpoint] = []
        self._attempts = 0
        self._knocks = 0
        self._started_at = now

    def add(self, target: Endpoint, now: float) -> None:
        """Knock at one more place, and begin anew if the knocks have become rare."""
        if target in self.targets or len(self.targets) >= self._config.targets_max:
            return
        self.targets.append(target)
        self._knocks, self._started_at = 0, now

    def aim(self, lasting: list[Endpoint], passing: list[Endpoint], now: float) -> None:
        """Knock anew, and at these places; at the `passing` ones in this attempt only."""
        most = self._config.targets_max
        self._passing = passing[:most]
        self.targets = lasting[: most - len(self._passing)]
        self._knocks, self._started_at = 0, now

    @property
    def places(self) -> int:
        """Return at how many places it knocks."""
        return len(self.targets) + len(self._passing)

    @property
    def pauses(self) -> bool:
        """Tell whether an attempt was in vain and the next one has not begun."""
        return self._attempts > 0 and self._knocks == 0

    def next_timeout(self) -> float:
        """Return when `knock` is due."""
        return self._started_at + self._config.knocks_s[self._knocks]

    def knock(self, now: float) -> list[Endpoint]:
        """Return where to knock now, and plan the next time."""
        if now < self.next_timeout():
            return []
        places = [*self._passing, *self.targets]
        self._knocks += 1
        if self._knocks >= len(self._config.knocks_s):
            pauses = self._config.pauses_s
            self._started_at = now + pauses[min(self._attempts, len(pauses) - 1)]
            self._attempts += 1
            self._knocks = 0
            self._passing = []
        return places
