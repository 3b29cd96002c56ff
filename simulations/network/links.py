"""What a line between two nodes does to packets: bursts of loss, and queues before a limited bandwidth.

Single losses, duplicates, jitter and reordering are one draw each and stand where they are used, in network.py.
"""

from __future__ import annotations

from math import ceil, log, log1p
from random import Random


class Bursts:
    """Lose packets in bursts, each sender by itself: the Gilbert-Elliott model with nothing lost between the bursts.

    A sender is in the good or the bad state and may change with each packet; in the bad one its packets are lost. Stays
    are geometric, so one draw gives the number of packets until the next change.
    """

    def __init__(self, share: float, packets_mean: float, random: Random) -> None:
        leave_bad = 1 / max(packets_mean, 1.0)
        leave_good = leave_bad * share / (1 - share) if share < 1 else 1.0
        self._share = share
        self._leave = (min(leave_good, 1.0), leave_bad if share < 1 else 0.0)
        self._random = random
        self._states: dict[int, tuple[bool, int]] = {}
        """Per sender: whether it is in the bad state, and for how many packets more it stays."""

    def loses(self, sender: int) -> bool:
        """Tell whether this packet of a sender is lost."""
        state = self._states.get(sender)
        if state is None:
            bad = self._random.random() < self._share
            left = self._stay(bad)
        else:
            bad, left = state
            if not left:
                bad = not bad
                left = self._stay(bad)
        self._states[sender] = (bad, left - 1)
        return bad

    def _stay(self, bad: bool) -> int:
        leave = self._leave[bad]
        if leave >= 1.0:
            return 1
        if leave <= 0.0:
            return 1 << 62
        return 1 + int(log(1.0 - self._random.random()) / log1p(-leave))


class Queues:
    """One direction of every node's line: packets leave at its bandwidth, and those that find no room are dropped."""

    def __init__(self, bytes_per_s: float, queue_bytes: int) -> None:
        self._ns_per_byte = 1e9 / bytes_per_s
        self._queue_ns = int(queue_bytes * self._ns_per_byte)
        self._free_ns: dict[int, int] = {}
        """When each node's line has sent what was given to it."""

    def passes_at(self, node: int, size: int, now_ns: int) -> int | None:
        """Queue a packet; return when its last byte has passed, or None when there is no room."""
        if self.room_at(node, size, now_ns) > now_ns:
            return None
        return self.take(node, size, now_ns)

    def room_at(self, node: int, size: int, now_ns: int) -> int:
        """Return when a packet of this size will find room."""
        free_ns = self._free_ns.get(node, 0)
        if free_ns <= now_ns:
            return now_ns
        return max(now_ns, min(free_ns, free_ns + int(size * self._ns_per_byte) - self._queue_ns))

    def take(self, node: int, size: int, now_ns: int) -> int:
        """Queue a packet whether or not there is room; return when its last byte has passed."""
        ends_ns = max(now_ns, self._free_ns.get(node, 0)) + ceil(size * self._ns_per_byte)
        self._free_ns[node] = ends_ns
        return ends_ns
