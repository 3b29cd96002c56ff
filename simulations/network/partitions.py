"""Networks that fall apart: some nodes are on the far side of a cut, and several cuts may be there at once.

    symmetric   nothing passes between the far nodes and the others
    one-way     what the far nodes send to the others is lost; the other way is open
    clog        what goes to a far node or comes from one is held back, and comes all at once when it ends

A packet meets a partition when it is sent; what is under way when one begins still arrives. Nodes that come later are
on the near side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Literal

from ..world import World

Kind = Literal["symmetric", "one-way", "clog"]

HELD_MAX = 1_000_000
"""Packets held back at once, about 200 bytes each beside their content; more are lost, as in any full buffer."""


class Passage(Enum):
    """What becomes of a packet between two nodes."""

    OPEN = 0
    CUT = 1
    HELD = 2


@dataclass(frozen=True, slots=True)
class _Partition:
    kind: Kind
    far: tuple[int, ...]
    bit: int


class Partitions:
    """Know which partitions are there now, and hold back what is clogged."""

    def __init__(self, world: World, on_change: Callable[[], None] = lambda: None) -> None:
        self._world = world
        self._on_change = on_change
        self._active: dict[int, _Partition] = {}
        self._begun = 0
        self._symmetric = 0
        self._one_way = 0
        self._far: dict[int, int] = {}
        """Per node, a bit for each cut on whose far side it is."""
        self._clogged: dict[int, int] = {}
        """Per node, how many clogs it is in."""
        self._held: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._random = world.random(0, "partitions")

    @property
    def active(self) -> bool:
        """Tell whether there is any."""
        return bool(self._active)

    def begin(self, kind: Kind, far: Sequence[int]) -> int:
        """Put these nodes on the far side of a new partition; return its handle."""
        self._begun += 1
        bit = 0 if kind == "clog" else _lowest_free(self._symmetric | self._one_way)
        self._active[self._begun] = _Partition(kind, tuple(far), bit)
        self._symmetric |= bit if kind == "symmetric" else 0
        self._one_way |= bit if kind == "one-way" else 0
        for node in far:
            if kind == "clog":
                self._clogged[node] = self._clogged.get(node, 0) + 1
            else:
                self._far[node] = self._far.get(node, 0) | bit
        self._on_change()
        return self._begun

    def end(self, handle: int) -> None:
        """Heal a partition; what only it held back goes on now. A second time does nothing."""
        ended = self._active.pop(handle, None)
        if ended is None:
            return
        self._symmetric &= ~ended.bit
        self._one_way &= ~ended.bit
        for node in ended.far:
            counts = self._clogged if ended.kind == "clog" else self._far
            counts[node] = counts[node] - 1 if ended.kind == "clog" else counts[node] & ~ended.bit
            if not counts[node]:
                del counts[node]
        self._on_change()
        if ended.kind == "clog":
            self._release()

    def passage(self, sender: int, receiver: int) -> Passage:
        """Tell what becomes of a packet that is sent now."""
        far = self._far
        if far:
            here, there = far.get(sender, 0), far.get(receiver, 0)
            if (here ^ there) & self._symmetric or here & ~there & self._one_way:
                return Passage.CUT
        if self._clogged and (sender in self._clogged or receiver in self._clogged):
            return Passage.HELD
        return Passage.OPEN

    def hold(self, sender: int, receiver: int, goes_on: Callable[..., object], *args: Any) -> bool:
        """Keep a packet until it is clogged no more, then call `goes_on(*args)`; false when there is no room."""
        if len(self._held) >= HELD_MAX:
            return False
        self._held.append((sender, receiver, goes_on, args))
        return True

    def swizzle_clog(self, far: Sequence[int], lasts_s: float) -> None:
        """Clog nodes one after the other in random order, and unclog them in another (FoundationDB's swizzle-clog).

        The first third of the time goes for clogging, the last for unclogging.
        """
        now_s = self._world.now()
        begins = [now_s + self._random.random() * lasts_s / 3 for _ in far]
        ends = [now_s + lasts_s * (1 - self._random.random() / 3) for _ in far]
        for node, begin_s, end_s in zip(far, begins, ends, strict=True):
            self._world.call_at(begin_s, partial(self._clog_until, node, end_s))

    def _clog_until(self, node: int, end_s: float) -> None:
        self._world.call_at(end_s, partial(self.end, self.begin("clog", (node,))))

    def _release(self) -> None:
        held, self._held = self._held, []
        clogged = self._clogged
        for entry in held:
            sender, receiver, goes_on, args = entry
            if sender in clogged or receiver in clogged:
                self._held.append(entry)
            else:
                goes_on(*args)


def _lowest_free(used: int) -> int:
    bit = 1
    while used & bit:
        bit <<= 1
    return bit
