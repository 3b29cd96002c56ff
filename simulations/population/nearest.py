"""The true answer to every lookup: who is nearest, by XOR, among those that are there.

One sorted list. The nodes that share a prefix stand together in it, and all of them are nearer to a target with that
prefix than anybody else; so the nearest are found among the few of the longest prefix that enough nodes share.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from ...dht.distance import ID_BITS, number_of, shared_prefix_bits
from ...wire.identity import NodeId


class NearestIndex:
    """A set of node ids that can be asked for the nearest to a target in O(log N)."""

    __slots__ = ("_order",)

    def __init__(self) -> None:
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, node_id: bytes) -> bool:
        number = number_of(node_id)
        position = bisect_left(self._order, number)
        return position < len(self._order) and self._order[position] == number

    def add(self, node_id: bytes) -> None:
        """Take in a node; no effect on one that is there."""
        if node_id not in self:
            insort(self._order, number_of(node_id))

    def discard(self, node_id: bytes) -> None:
        """Take out a node, if it is there."""
        number = number_of(node_id)
        position = bisect_left(self._order, number)
        if position < len(self._order) and self._order[position] == number:
            del self._order[position]

    def nearest(self, target: bytes, count: int = 1, exclude: bytes | None = None) -> list[NodeId]:
        """Return the `count` nearest, in order."""
        wanted = number_of(target)
        numbers = self._near(wanted, count + (exclude is not None))
        numbers.sort(key=wanted.__xor__)
        ids = [NodeId(number.to_bytes(ID_BITS // 8, "big")) for number in numbers]
        return [node_id for node_id in ids if node_id != exclude][:count]

    def _near(self, target: int, count: int) -> list[int]:
        """Return all that share the longest prefix with the target that at least `count` of them share."""
        order = self._order
        if len(order) <= count:
            return list(order)
        here = bisect_left(order, target)
        windows = range(max(0, here - count), min(here, len(order) - count) + 1)
        prefix_bits = max(
            min(shared_prefix_bits(order[at], target), shared_prefix_bits(order[at + count - 1], target))
            for at in windows
        )
        below = ID_BITS - prefix_bits
        first = target >> below << below
        return order[bisect_left(order, first) : bisect_left(order, first + (1 << below))]
