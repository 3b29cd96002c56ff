"""Searches that run, and those that wait for their turn: bounded both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..wire.errors import QueueFull
from .config import DhtConfig
from .search import Search
from .timers import Timers


class Turns:
    """Run the searches of a node, the oldest first; `on_start` is told of each."""

    __slots__ = ("_config", "_on_start", "_timers", "_waiting", "running", "started")

    def __init__(self, config: DhtConfig, timers: Timers, on_start: Callable[[Search, float], None]) -> None:
        self._config = config
        self._timers = timers
        self._on_start = on_start
        self._waiting: list[Search] = []
        """The next first. Few ever wait; an empty deque would take 700 bytes."""
        self.running = 0
        self.started = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Tell whether no other may wait."""
        return len(self._waiting) >= self._config.lookups_waiting_max

    def run(self, search: Search, now: float) -> None:
        """Start a search, or let it wait; raises QueueFull."""
        if self.running < self._config.lookups_max:
            self._start(search, now)
        elif not self.is_full:
            self._waiting.append(search)
        else:
            raise QueueFull("line of waiting lookups", self._config.lookups_waiting_max)

    def run_all(self, searches: Sequence[Search], now: float) -> None:
        """Run the searches of one operation, all or none of them; raises QueueFull."""
        config = self._config
        room = max(0, config.lookups_max - self.running) + config.lookups_waiting_max - len(self._waiting)
        if room < len(searches):
            raise QueueFull("line of waiting lookups", config.lookups_waiting_max)
        for search in searches:
            self.run(search, now)

    def run_idly(self, search: Search, now: float) -> None:
        """Start a search for the sake of others, unless there is work of our own to do."""
        if self.running < self._config.lookups_max:
            self._start(search, now)

    def _start(self, search: Search, now: float) -> None:
        self.running += 1
        self.started += 1
        self._on_start(search, now)
        search.start(now, self._ended)

    def _ended(self, now: float) -> None:
        self.running -= 1
        if self._waiting:
            self._timers.at(now, self._start_waiting)

    def _start_waiting(self, now: float) -> None:
        while self._waiting and self.running < self._config.lookups_max:
            self._start(self._waiting.pop(0), now)
