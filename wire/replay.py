"""Accept each counter once: a sliding window of bits (RFC 6479), as large as WireGuard's.

Ask `is_fresh` before a packet is opened and `add` only what proved authentic: forgeries must not move the window. While
packets come in order only the highest counter is kept; the bits, a ring of bytes, appear with the first gap.
"""

from __future__ import annotations

RING_BYTES = 1024
WINDOW = (RING_BYTES - 1) * 8 - 56
"""Counters below the highest that may still come: 8128, WireGuard's figure."""

_MASK = RING_BYTES - 1


class ReplayWindow:
    """Remember which counters came; the first is 0."""

    __slots__ = ("_bits", "highest")

    def __init__(self) -> None:
        self._bits: bytearray | None = None
        self.highest = -1

    def is_fresh(self, counter: int) -> bool:
        """Tell whether the counter may still be accepted."""
        if counter > self.highest:
            return True
        if self._bits is None or counter + WINDOW <= self.highest:
            return False
        return not self._bits[(counter >> 3) & _MASK] & (1 << (counter & 7))

    def add(self, counter: int) -> None:
        """Mark a fresh counter as used."""
        if self._bits is None:
            if counter == self.highest + 1:
                self.highest = counter
                return
            self._bits = self._bits_of_an_unbroken_row()
        if counter > self.highest:
            self._advance(self._bits, counter)
        self._bits[(counter >> 3) & _MASK] |= 1 << (counter & 7)

    def _bits_of_an_unbroken_row(self) -> bytearray:
        bits = bytearray(b"\xff") * RING_BYTES
        after = self.highest + 1
        bits[(after >> 3) & _MASK] = (1 << (after & 7)) - 1
        return bits

    def _advance(self, bits: bytearray, counter: int) -> None:
        """Clear the bytes that the window enters."""
        first, last = (self.highest >> 3) + 1, counter >> 3
        if last - first >= RING_BYTES:
            first = last - RING_BYTES + 1
        for index in range(first, last + 1):
            bits[index & _MASK] = 0
        self.highest = counter
