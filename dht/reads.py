"""The ways to read records: of one key, of many, and of one that more owners share than fit under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ..wire.errors import ConfigError, QueueFull
from ..wire.identity import PublicKey
from ..wire.record import Record
from .config import DhtConfig
from .gathering import gather_values
from .get import GetResult, ValueSearch
from .get_many import get_many
from .search import Context
from .shared_gets import SharedGets, Told
from .spread import CrowdedKeys, SpreadSearch
from .turns import Turns


class Reads:
    """Read in the DHT of each address family; equal gets at the same time are one."""

    __slots__ = ("_config", "_contexts", "_gets", "_turns", "crowded", "together")

    def __init__(self, contexts: Sequence[Context], turns: Turns, config: DhtConfig) -> None:
        self._contexts = contexts
        self._turns = turns
        self._config = config
        self._gets = SharedGets(config.lookups_waiting_max)
        self.crowded = CrowdedKeys(config.crowded_keys_max, config.crowded_life_s)
        self.together = 0
        """Keys that are sought as one of many."""

    def get(self, key: bytes, owner: PublicKey | None, want: int, now: float, done: Told) -> None:
        """Find records of a key, of one owner or up to `want`; raises ConfigError, QueueFull."""
        if not 0 < want <= self._config.records_want_max:
            raise ConfigError("want", f"must be 1 to {self._config.records_want_max}, is {want}")
        what = (key, owner or b"", want)
        if self._gets.join(what, done):
            return
        try:
            self._search(key, owner, want, self._gets.lead(what, done), now)
        except QueueFull:
            self._gets.give_up(what)
            raise

    def get_spread(
        self,
        key: bytes,
        want: int,
        fits: Callable[[Record], bool] | None,
        now: float,
        done: Callable[[GetResult], None],
    ) -> None:
        """Find live records of a key that fit, in shards too where it is crowded."""
        SpreadSearch(self._contexts[0], self.get, self.crowded, key, want, fits, done).start(now)

    def get_many(
        self, keys: Iterable[bytes], now: float, done: Callable[[dict[bytes, GetResult]], None]
    ) -> None:
        """Find a record of each key; raises ConfigError, QueueFull."""
        different = dict.fromkeys(keys)
        if not different:
            raise ConfigError("keys", "must be at least 1, are 0")
        if self.together + len(different) > self._config.get_many_max:
            raise QueueFull("keys sought together", self._config.get_many_max)
        results: dict[bytes, GetResult] = {}

        def took(key: bytes, result: GetResult, then: float) -> None:
            self.together -= 1
            results[key] = result
            if len(results) == len(different):
                done({key: results[key] for key in different})

        self.together += len(different)
        seek = {}
        for key in different:
            told: Told = partial(took, key)
            if not self._gets.join((key, b"", 1), told):
                seek[key] = self._gets.lead((key, b"", 1), told)
        get_many(self._contexts[0], seek, self._get_alone, now)

    def _get_alone(self, key: bytes, tell: Callable[[GetResult, float], None], now: float) -> None:
        try:
            self._search(key, None, 1, tell, now)
        except QueueFull:
            tell(GetResult([], None, 0, []), now)

    def _search(
        self,
        key: bytes,
        owner: PublicKey | None,
        want: int,
        tell: Callable[[GetResult, float], None],
        now: float,
    ) -> None:
        take = gather_values(len(self._contexts), owner, want, tell)
        searches = [ValueSearch(context, key, owner, want, take) for context in self._contexts]
        self._turns.run_all(searches, now)
