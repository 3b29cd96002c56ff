"""The birthday way between a hard box and an easy one that looks at ports: many sockets, many guesses.

The hard end sends from many extra sockets to the one endpoint of the easy end: its box gives each a port that nobody
knows and that lets the easy end in. The easy end sends to ports at random. With s sockets and n guesses among N ports
they meet with a probability of

    P(n) = 1 - (1 - s / N)^n        s = 256, N = 64512: 174 guesses 50 %, 1,000 98.1 %, 2,000 99.96 %

It is loud, so it has limits: one at a time, seldom, only for a peer in use, and only to an address that the relay sees
the peer at and that the peer itself names over the sealed line.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ..wire.endpoint import Endpoint

PORT_MIN, PORT_END = 1024, 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """Say how to search, if at all."""

    sockets: int = 256
    """Extra sockets of the hard end; 0: never search, on either end. Raising it meets sooner and costs as many entries
    in a box that may have a thousand for each of its users, and as many open files, for seconds."""

    guesses_max: int = 1_000
    """Ports guessed by the easy end, 60 bytes each; 98.1 % meet. Raising it finds more, and fills the tables of small
    boxes, which let in 1,024 for each of their ports: what is silent longest has to go, such as the way to a relay."""

    guesses_per_s: float = 500.0
    """How fast. Raising it meets sooner and looks more like a flood to what is in between."""

    openings_per_s: float = 2_000.0
    """How fast the hard end opens sockets. Raising it makes the loop of its node stand still for longer at a time."""

    tick_s: float = 0.02
    """How often some are sent. Raising it sends more at once."""

    duration_s: float = 4.0
    """When a search is over. Raising it keeps sockets open longer for what is hardly found any more."""

    pause_s: float = 20.0
    """Least time from one search of a node to the next. Raising it leaves more pairs on their relays."""

    pause_s_max: float = 1280.0
    """The same for one line at the end, after it has doubled with each search in vain. Raising it gives up sooner."""

    wait_s: float = 0.15
    """How long plain knocks are given to do without, or a round trip through the relay if that is longer. Raising it
    comes later where only a search helps."""


class Guesses:
    """What the easy end sends to: ports of an address at random, each once, at a rate."""

    def __init__(self, config: SearchConfig, peer: Endpoint, random: Random, now: float) -> None:
        ports = range(PORT_MIN, PORT_END)
        self._peer = peer
        self._ports = random.sample(ports, min(config.guesses_max, len(ports)))
        self._pace = Pace(config.guesses_per_s, config.tick_s, now)
        self.sockets = range(0)

    def take(self, now: float) -> list[Endpoint]:
        """Return where to knock now."""
        count = self._pace.take(now)
        taken, self._ports = self._ports[:count], self._ports[count:]
        return [self._peer._replace(port=port) for port in taken]


class Openings:
    """What the hard end sends from: numbered extra sockets to one endpoint, each once, at a rate."""

    def __init__(self, config: SearchConfig, peer: Endpoint, first: int, now: float) -> None:
        self._peer = peer
        self._numbers = range(first, first + config.sockets)
        self._pace = Pace(config.openings_per_s, config.tick_s, now)
        self.sockets = range(first, first)
        """Those that were knocked from so far."""

    def take(self, now: float) -> list[Endpoint]:
        """Return where to knock now, and through which sockets."""
        known = len(self.sockets)
        self.sockets = self._numbers[: known + self._pace.take(now)]
        return [self._peer.through(number) for number in self.sockets[known:]]


class Pace:
    """So many a second, some of them each tick."""

    __slots__ = ("_per_s", "_started_at", "_taken", "_tick_s")

    def __init__(self, per_s: float, tick_s: float, now: float) -> None:
        self._per_s = per_s
        self._tick_s = tick_s
        self._started_at = now
        self._taken = 0

    def take(self, now: float) -> int:
        """Return how many are due since the last time."""
        due = int((now - self._started_at + self._tick_s) * self._per_s) - self._taken
        self._taken += due
        return due
