"""Calls and answers over one stream of the simulated network, which carries packets in order.

4 bytes number of the call, 4 bytes length, then the bytes; cut into packets, put together again at the other side
"""

from __future__ import annotations

from struct import Struct

HEADER = Struct(">II")

PIECE_BYTES = 60_000
"""Under the 68 KiB that a packet of ours on a stream may have."""


def pieces(number: int, data: bytes) -> list[bytes]:
    """Return what to send for one call or answer."""
    whole = HEADER.pack(number, len(data)) + data
    return [whole[at : at + PIECE_BYTES] for at in range(0, len(whole), PIECE_BYTES)]


class Gatherer:
    """Put pieces together again."""

    __slots__ = ("_gathered",)

    def __init__(self) -> None:
        self._gathered = bytearray()

    def add(self, piece: bytes) -> list[tuple[int, bytes]]:
        """Take a piece; return what is whole now."""
        gathered = self._gathered
        gathered += piece
        whole: list[tuple[int, bytes]] = []
        while len(gathered) >= HEADER.size:
            number, length = HEADER.unpack_from(gathered)
            end = HEADER.size + length
            if len(gathered) < end:
                break
            whole.append((number, bytes(gathered[HEADER.size : end])))
            del gathered[:end]
        return whole
