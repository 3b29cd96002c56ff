"""Searches: a hard end opens many sockets, an easy one guesses (nat/search.py); one search at a time, and seldom.

The hard end leads: it knows when plain knocks have failed and when its line is in use, opens its sockets and asks the
other over the line to guess. The socket that is met stays as the path of the line; the others are closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ...nat.messages import Search, encode
from ...nat.search import Guesses, Openings, SearchConfig
from ...wire.endpoint import RELAY, Endpoint
from .line import Line
from .lines import LineTable

SOCKETS_NUMBERED = 60_000
"""Numbers of extra sockets come again after so many: long after the earlier one was closed."""

LOOK_AGAIN = 0.25
"""A line that waits for its search is looked at again after this share of the time that it has waited."""

KEPT_SWEEP_S = 10.0
"""How often kept sockets are looked after. Raising it keeps those of ended lines open a little longer."""


@dataclass(slots=True)
class _Wish:
    place: Endpoint
    since: float
    due_at: float
    pause_s: float


@dataclass(slots=True)
class _Run:
    line: Line
    places: Guesses | Openings
    due_at: float
    ends_at: float


class Searching:
    """Run the searches of one node; the owner has found out that the peer is where it is searched."""

    def __init__(self, config: SearchConfig, lines: LineTable, entropy: Callable[[int], bytes]) -> None:
        self._config = config
        self._lines = lines
        self._entropy = entropy
        self._wishes: dict[int, _Wish] = {}
        self._run: _Run | None = None
        self._pause_until = float("-inf")
        self._numbered = 0
        self._kept: dict[int, Line] = {}
        self._sweep_at = 0.0
        self.closures: list[int] = []
        """Extra sockets that nobody uses any more."""

    def wish(self, line: Line, place: Endpoint, now: float) -> None:
        """Search from here, the hard end, once it proves necessary and the line is in use."""
        if self._config.sockets:
            due_at = line.opened + max(self._config.wait_s, line.session.rtt_s or 0.0)
            wish = _Wish(place, now, max(now, due_at), self._config.pause_s)
            self._wishes.setdefault(line.session.local_id, wish)

    def guess(self, line: Line, place: Endpoint, now: float) -> bool:
        """Search from here, the easy end, as the other has asked; false when it is not the time for it."""
        if not self._free(now) or not line.carries_messages:
            return False
        random = Random(self._entropy(16))
        self._begin(line, Guesses(self._config, place, random, now), now)
        return True

    def take_closures(self) -> list[int]:
        """Return the extra sockets to close."""
        closures, self.closures = self.closures, []
        return closures

    def serves(self, line: Line) -> bool:
        """Tell whether the search that runs is for a line."""
        return self._run is not None and self._run.line is line

    @property
    def is_busy(self) -> bool:
        """Tell whether a search is wished for or runs, or sockets of one are kept."""
        return bool(self._wishes) or self._run is not None or bool(self._kept)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        times = [wish.due_at for wish in self._wishes.values()]
        if self._run is not None:
            times.append(self._run.due_at)
        if self._kept:
            times.append(self._sweep_at)
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Go on, begin, and close what is not needed any more."""
        if self._run is not None and now >= self._run.due_at:
            self._go_on(self._run, now)
        for local_id, wish in list(self._wishes.items()):
            if now >= wish.due_at:
                self._look_at(local_id, wish, now)
        if self._kept and now >= self._sweep_at:
            self._sweep_at = now + KEPT_SWEEP_S
            for number in [each for each, line in self._kept.items() if not _uses(line, each)]:
                del self._kept[number]
                self.closures.append(number)

    def _look_at(self, local_id: int, wish: _Wish, now: float) -> None:
        line = self._lines.by_local_id.get(local_id)
        if line is None or line.session.path.transport != RELAY:
            del self._wishes[local_id]
            return
        wish.due_at = now + max(now - wish.since, self._config.wait_s) * LOOK_AGAIN
        if self._free(now) and line.carries_messages:
            wish.due_at = now + wish.pause_s
            wish.pause_s = min(2 * wish.pause_s, self._config.pause_s_max)
            first = self._numbered % SOCKETS_NUMBERED + 1
            self._numbered = first - 1 + self._config.sockets
            self._begin(line, Openings(self._config, wish.place, first, now), now)
            line.session.send_nat(encode(Search()))

    def _free(self, now: float) -> bool:
        return bool(self._config.sockets) and self._run is None and now >= self._pause_until

    def _begin(self, line: Line, places: Guesses | Openings, now: float) -> None:
        self._pause_until = now + self._config.pause_s
        self._run = _Run(line, places, now, now + self._config.duration_s)
        self._go_on(self._run, now)

    def _go_on(self, run: _Run, now: float) -> None:
        session = run.line.session
        if session.closed is not None or session.path.transport != RELAY or now >= run.ends_at:
            self._end(run, now)
            return
        run.due_at = now + self._config.tick_s
        for place in run.places.take(now):
            session.probe(place, now)
        self._lines.mark(run.line)

    def _end(self, run: _Run, now: float) -> None:
        self._run = None
        for number in run.places.sockets:
            if _uses(run.line, number):
                self._kept[number] = run.line
                self._sweep_at = now + KEPT_SWEEP_S
            elif number not in self._kept:
                self.closures.append(number)


def _uses(line: Line, number: int) -> bool:
    return line.session.closed is None and line.session.path.socket == number
