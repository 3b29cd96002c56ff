"""Keep the ciphers of a bounded number of sessions at hand.

A pair of cipher objects holds 5 KiB in OpenSSL and is made again in 5 us, so only sessions that talk have one. The
first to take a place is the first to leave it, busy or not: a busy one takes the next place with its next packet. No
clock is asked and no timer set, which would cost a quiet node more than the memory.
"""

from __future__ import annotations

from typing import Protocol


class Rests(Protocol):
    """Something that can do without its ciphers for a while."""

    def rest(self) -> None: ...


class CipherShelf:
    """Hold the sessions that have ciphers at hand."""

    __slots__ = ("_awake", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._awake: dict[Rests, None] = {}

    def add(self, session: Rests) -> None:
        """Give a session a place; the one that has had its place longest rests."""
        self._awake[session] = None
        if len(self._awake) > self._size:
            next(iter(self._awake)).rest()

    def remove(self, session: Rests) -> None:
        """Take the place back from a session that rests."""
        self._awake.pop(session, None)
