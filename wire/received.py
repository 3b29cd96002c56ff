"""Which packets came, for acknowledgement: ascending ranges of counters, and when an ACK is due.

An ACK goes at once after enough packets or when one is missing, else after a delay; it rides on any packet that
leaves anyway, unless one went a moment ago.
"""

from __future__ import annotations

from .frames import ACK_HEAD, ACK_RANGE, ACK_RANGES_MAX, encode_ack
from .session_config import AckPolicy

RANGES_MAX = 32
"""Ranges remembered; the oldest is forgotten beyond it, since what was in it was settled long ago."""

RIDE_S = 0.005
"""Quick exchanges do not carry an ACK in each packet: reading one costs a third of reading a small message."""


class Received:
    """Collect received counters and decide when to acknowledge."""

    __slots__ = ("_bytes", "_packets", "_ranges", "_ride_at", "ack_due_at", "newest_at")

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._packets = 0
        self._bytes = 0
        self.newest_at = 0.0
        """When the latest packet came that asked for an ACK: lane data, mostly."""
        self._ride_at = 0.0
        self.ack_due_at: float | None = None
        """When the next ACK must go; None when nothing waits for one."""

    def add(self, counter: int, size: int, eliciting: bool, now: float, policy: AckPolicy) -> bool:
        """Note a packet; true when an ACK should go at once."""
        ranges = self._ranges
        if ranges and ranges[-1][1] == counter - 1:
            ranges[-1] = (ranges[-1][0], counter)
            ordered = True
        else:
            ordered = self._note(counter)
        if not eliciting:
            return False
        self._packets += 1
        self._bytes += size
        self.newest_at = now
        if self.ack_due_at is None:
            self.ack_due_at = now + policy.delay_s
        if self._packets < policy.packets and self._bytes < policy.size_bytes and ordered:
            return False
        self.ack_due_at = now
        return True

    def is_due(self, now: float) -> bool:
        """Tell whether an ACK must go now, alone if need be."""
        return self.ack_due_at is not None and self.ack_due_at <= now

    def ride_bytes(self, now: float) -> int:
        """Return the size of the ACK that a packet leaving now should carry, or 0."""
        due = self.ack_due_at
        if due is None or (now < self._ride_at and now < due):
            return 0
        return ACK_HEAD.size + ACK_RANGE.size * min(len(self._ranges), ACK_RANGES_MAX)

    def take_ack(self, now: float) -> bytes:
        """Return an ACK frame of all that came."""
        self._packets = self._bytes = 0
        self.ack_due_at = None
        self._ride_at = now + RIDE_S
        return encode_ack(max(0.0, now - self.newest_at), self._ranges)

    def _note(self, counter: int) -> bool:
        """Add a counter to the ranges; true when nothing is missing below it."""
        ranges = self._ranges
        if not ranges:
            ranges.append((counter, counter))
            return True
        if counter > ranges[-1][1]:
            ranges.append((counter, counter))
        else:
            self._insert(counter)
        if len(ranges) > RANGES_MAX:
            del ranges[0]
        return False

    def _insert(self, counter: int) -> None:
        ranges = self._ranges
        index = len(ranges)
        while index and ranges[index - 1][0] > counter:
            index -= 1
        if index and counter <= ranges[index - 1][1]:
            return
        joins_before = index > 0 and ranges[index - 1][1] == counter - 1
        joins_after = index < len(ranges) and ranges[index][0] == counter + 1
        first = ranges[index - 1][0] if joins_before else counter
        last = ranges[index][1] if joins_after else counter
        ranges[index - joins_before : index + joins_after] = [(first, last)]
