"""Equal gets under way at the same time are one: whoever comes later waits for the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..wire.errors import QueueFull
from .get import GetResult

Told = Callable[[GetResult, float], None]
What: TypeAlias = tuple[bytes, bytes, int]
"""Key, owner or nothing, how many."""


class SharedGets:
    """Who waits for which get."""

    __slots__ = ("_waiting", "_waiting_max")

    def __init__(self, waiting_max: int) -> None:
        self._waiting: dict[What, list[Told]] = {}
        self._waiting_max = waiting_max

    def join(self, what: What, done: Told) -> bool:
        """Wait for a get that is under way; false when there is none. Raises QueueFull."""
        waiting = self._waiting.get(what)
        if waiting is None:
            return False
        if len(waiting) >= self._waiting_max:
            raise QueueFull("line of those who wait for the same get", self._waiting_max)
        waiting.append(done)
        return True

    def lead(self, what: What, done: Told) -> Callable[[GetResult, float], None]:
        """Begin a get for oneself and for who comes later; call what is returned with the result."""
        self._waiting[what] = [done]

        def tell(result: GetResult, now: float) -> None:
            for each in self._waiting.pop(what):
                each(result, now)

        return tell

    def give_up(self, what: What) -> None:
        """Forget a get that could not begin."""
        del self._waiting[what]
