"""Accept each counter once: a sliding window of bits (RFC 6479), as large as WireGuard's.

The bits lie in a ring of bytes; moving forward clears whole bytes, so that the usual next counter costs one bit.
"""

from __future__ import annotations

RING_BYTES = 1024
WINDOW = (RING_BYTES - 1) * 8 - 56
"""Counters below the highest that may still come: 8128, WireGuard's figure."""

_MASK = RING_BYTES - 1


class ReplayWindow:
    """Remember which counters came. `add` only what was authenticated."""

    __slots__ = ("_bits", "highest")

    def __init__(self) -> None:
        self._bits = bytearray(RING_BYTES)
        self.highest = -1

    def is_fresh(self, counter: int) -> bool:
        """Tell whether the counter may still be accepted."""
        if counter > self.highest:
            return True
        if counter + WINDOW <= self.highest:
            return False
        return not self._bits[(counter >> 3) & _MASK] & (1 << (counter & 7))

    def add(self, counter: int) -> None:
        """Mark a fresh counter as used."""
        bits = self._bits
        if counter > self.highest:
            first, last = (self.highest >> 3) + 1, counter >> 3
            if last - first >= RING_BYTES:
                first = last - RING_BYTES + 1
            for index in range(first, last + 1):
                bits[index & _MASK] = 0
            self.highest = counter
        bits[(counter >> 3) & _MASK] |= 1 << (counter & 7)
