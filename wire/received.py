"""Which packets came, for acknowledgement: ascending ranges of counters, and when an ACK is due."""

from __future__ import annotations

from .frames import encode_ack

RANGES_MAX = 64
"""Ranges remembered; the oldest gap is closed beyond it, since what was in it was given up long ago."""


class Received:
    """Collect received counters and decide when to acknowledge."""

    __slots__ = ("_eliciting", "_newest_at", "_ranges", "ack_due_at")

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._eliciting = 0
        self._newest_at = 0.0
        self.ack_due_at: float | None = None
        """When the next ACK must go; None when nothing waits for one."""

    def add(self, counter: int, eliciting: bool, now: float, packets: int, delay_s: float) -> bool:
        """Note a packet; true when an ACK should go at once: enough wait for it, or something is missing."""
        ordered = self._note(counter)
        if not eliciting:
            return False
        self._eliciting += 1
        self._newest_at = now
        if self.ack_due_at is None:
            self.ack_due_at = now + delay_s
        return self._eliciting >= packets or not ordered

    def take_ack(self, now: float) -> bytes:
        """Return an ACK frame of all that came."""
        self._eliciting = 0
        self.ack_due_at = None
        return encode_ack(max(0.0, now - self._newest_at), self._ranges)

    def _note(self, counter: int) -> bool:
        """Add a counter to the ranges; true when it followed the newest."""
        ranges = self._ranges
        if not ranges:
            ranges.append((counter, counter))
            return True
        first, last = ranges[-1]
        if counter == last + 1:
            ranges[-1] = (first, counter)
            return True
        if counter > last:
            ranges.append((counter, counter))
        else:
            self._insert(counter)
        while len(ranges) > RANGES_MAX:
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
