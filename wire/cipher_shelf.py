"""Keep the ciphers of a bounded number of sessions at hand.

A pair of cipher objects holds 5 KiB in OpenSSL and is made again in 5 us, so only sessions that talk have one. The
first to take a place is the first to leave it, busy or not: a busy one takes the next place with its next packet. No
clock is asked and no timer set, which would cost a quiet node more than the memory.

Quiet sessions, which carry a request of the DHT now and then, have a part of their own: they are many, and do not talk
long enough for it to matter.
"""

from __future__ import annotations

from typing import Protocol


class Rests(Protocol):
    """Something that can do without its ciphers for a while."""

    def rest(self) -> None: ...


class CipherShelf:
    """Hold the sessions that have ciphers at hand."""

    __slots__ = ("_awake", "_quiet", "_quiet_size", "_size")

    def __init__(self, size: int, quiet_size: int) -> None:
        self._size, self._quiet_size = size, quiet_size
        self._awake: dict[Rests, None] = {}
        self._quiet: dict[Rests, None] = {}

    def __len__(self) -> int:
        return len(self._awake) + len(self._quiet)

    def add(self, session: Rests, *, quiet: bool) -> None:
        """Give a session a place; the one of its kind that has had its place longest rests."""
        awake, size = (self._quiet, self._quiet_size) if quiet else (self._awake, self._size)
        awake[session] = None
        if len(awake) > size:
            next(iter(awake)).rest()

    def remove(self, session: Rests) -> None:
        """Take the place back from a session that rests."""
        self._awake.pop(session, None)
        self._quiet.pop(session, None)
