"""Crowded keys: what does not fit under a key lies under shards of it, and whoever reads it looks there too.

A shard is named by the first half-bytes of an owner's id, as many as it takes (a prefix hash tree, Ramabhadran et al.
2004). Nobody coordinates: an owner whom the holders of a key tell that they have no room publishes in its shard of it,
one half-byte deeper each time, and comes back when there is room at a renewal. A reader who sees a key near its limit,
and wants more than it holds, reads shards in random order; the next time it begins anywhere, so that what many look
for is read evenly from all the places where it lies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..wire.errors import QueueFull
from ..wire.identity import NodeId, PublicKey
from ..wire.record import Record, shard_key
from .get import Found, GetResult
from .publish import Publication
from .put import PutResult
from .region_pair import Queue
from .search import Context
from .shared_gets import Told

FAN_OUT = 16
DEPTH_MAX = 3  # 256 owners under each of 16^3 keys are a million

Get = Callable[[bytes, PublicKey | None, int, float, Told], None]


class SpreadPublication:
    """One owner's record kept alive under a key, and under shards of it while there is no room.

    `record_of(key, sequence)` signs the record anew.
    """

    def __init__(
        self,
        context: Context,
        key: bytes,
        owner: NodeId,
        record_of: Callable[[bytes, int], Record],
        queue: Queue,
    ) -> None:
        self._context = context
        self._key = key
        self._record_of = record_of
        self._queue = queue
        self._owner = owner
        self._levels: list[Publication] = []
        self._cancelled = False

    @property
    def depth(self) -> int:
        """Return how many half-bytes name the deepest shard in use; 0 is the key itself."""
        return len(self._levels) - 1

    def start(self, now: float) -> None:
        """Publish, under the key itself first."""
        self._deepen(now)

    def change(self, now: float) -> None:
        """Publish soon because what it says has changed."""
        for publication in self._levels:
            publication.change(now)

    def cancel(self) -> None:
        """Let the records die at the end of their life."""
        self._cancelled = True
        for publication in self._levels:
            publication.cancel()

    def _deepen(self, now: float) -> None:
        depth = len(self._levels)
        settled = partial(self._settled, depth)
        self._levels.append(Publication(self._context, partial(self._sign, depth), self._queue, settled))
        self._levels[-1].renew(now)

    def _sign(self, depth: int, sequence: int) -> Record:
        return self._record_of(shard_key(self._key, path_of(self._owner, depth)), sequence)

    def _settled(self, depth: int, result: PutResult, now: float) -> bool:
        """Go deeper where there is no room, or leave the shards where there is; tell whether that is enough."""
        crowded = result.key_full >= self._context.config.store_quorum
        if self._cancelled or depth >= len(self._levels):
            return True
        if not crowded and result.stored_on:
            for publication in self._levels[depth + 1 :]:
                publication.cancel()
            del self._levels[depth + 1 :]
        elif crowded and depth == self.depth and depth < DEPTH_MAX:
            self._deepen(now)
        return crowded


class SpreadSearch:
    """Find records of a key that fit, of different owners, up to `want`."""

    def __init__(
        self,
        context: Context,
        get: Get,
        crowded: CrowdedKeys,
        key: bytes,
        want: int,
        fits: Callable[[Record], bool] | None,
        done: Callable[[GetResult], None],
    ) -> None:
        self._context = context
        self._get = get
        self._crowded = crowded
        self._key = key
        self._want = want
        self._fits = fits
        self._done = done
        self._waiting: list[bytes] = [b""]
        self._opened: set[bytes] = set()
        self._running = 0
        self._reads = 0
        self._given = False
        self._results: list[GetResult] = []
        self._found: dict[PublicKey, Found] = {}
        self._sequences: dict[PublicKey, int] = {}

    def start(self, now: float) -> None:
        """Read the key; one known to be crowded is begun anywhere. Raise QueueFull as a get does."""
        if self._crowded.has(self._key, now):
            self._open(b"")
        self._read(now)

    def _open(self, path: bytes) -> None:
        """Put the shards of a crowded one in line."""
        if len(path) < DEPTH_MAX and path not in self._opened:
            self._opened.add(path)
            self._waiting += [path + bytes([half]) for half in range(FAN_OUT)]
            self._context.random.shuffle(self._waiting)

    def _read(self, now: float) -> None:
        path = self._waiting.pop()
        self._running += 1
        self._reads += 1
        # Whatever does not fit is read in vain, so a search with conditions asks for all there is.
        want = self._context.config.records_want_max if self._fits else max(1, self._want - len(self._found))
        self._get(shard_key(self._key, path), None, want, now, partial(self._have, path))

    def _have(self, path: bytes, result: GetResult, now: float) -> None:
        if self._given:
            return
        self._running -= 1
        self._results.append(result)
        self._keep(path, result)
        if result.total >= self._context.config.records_per_key_max // 2:
            self._open(path)
            if not path:
                self._crowded.add(self._key, now)
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        config = self._context.config
        if len(self._found) < self._want:
            try:
                while (
                    self._waiting
                    and self._running < config.parallelism
                    and self._reads < config.spread_reads_max
                ):
                    self._read(now)
            except QueueFull:
                self._running -= 1
                self._waiting.clear()
            if self._running:
                return
        self._give()

    def _keep(self, path: bytes, result: GetResult) -> None:
        """Keep what fits, the latest of each owner; nobody is in a shard that is not his own."""
        for found in result.found:
            record = found.record
            newer = record.sequence > self._sequences.get(record.owner, -1)
            if newer and path == path_of(record.owner.node_id, len(path)):
                self._sequences[record.owner] = record.sequence
                self._found.pop(record.owner, None)
                if record.value and (self._fits is None or self._fits(record)):
                    self._found[record.owner] = found

    def _give(self) -> None:
        if self._given:
            return
        self._given = True
        first = next((result for result in self._results if result.records), self._results[0])
        found = list(self._found.values())
        records = [each.record for each in found]
        total = max(result.total for result in self._results)
        self._done(first._replace(records=records, found=found, total=total))


class CrowdedKeys:
    """Keys that were seen crowded lately: bounded, the longest ago forgotten first."""

    def __init__(self, keys_max: int, life_s: float) -> None:
        self._keys_max = keys_max
        self._life_s = life_s
        self._until: dict[bytes, float] = {}

    def add(self, key: bytes, now: float) -> None:
        """Note a key."""
        self._until.pop(key, None)
        self._until[key] = now + self._life_s
        if len(self._until) > self._keys_max:
            del self._until[next(iter(self._until))]

    def has(self, key: bytes, now: float) -> bool:
        """Tell whether a key was crowded lately."""
        return self._until.get(key, now) > now


def path_of(node_id: NodeId, depth: int) -> bytes:
    """Return the first half-bytes of an id, each in a byte of its own."""
    return bytes(half for byte in node_id[: (depth + 1) // 2] for half in (byte >> 4, byte & 15))[:depth]
