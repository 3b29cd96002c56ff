"""Digests over every packet of a run, kept as chains: each block of packets is hashed with the hash before it.

So nothing is alive between two packets that could not be pickled, and hashing costs a call per block.
"""

from __future__ import annotations

import sys
from array import array
from hashlib import sha256

BLOCK_PACKETS = 64
"""So a block of datagrams stays under 128 KiB: beyond it every buffer would come from the system page by page."""


class PacketDigest:
    """Hash all packets, once with their bytes and once without."""

    def __init__(self) -> None:
        self._facts: list[int] = []
        """Time, sender, receiver and size of each packet since the last block."""
        self._packets: list[bytes] = []
        self._before = 0
        self._facts_chain = b""
        self._bytes_chain = b""

    @property
    def packets(self) -> int:
        """Return how many there were."""
        return self._before + len(self._packets)

    def add(self, now_ns: int, sender: int, receiver: int, packet: bytes) -> None:
        """Take in a packet."""
        self._facts += (now_ns, sender, receiver, len(packet))
        packets = self._packets
        packets.append(packet)
        if len(packets) == BLOCK_PACKETS:
            self._facts_chain, self._bytes_chain = self._chains()
            self._before += BLOCK_PACKETS
            self._facts.clear()
            packets.clear()

    def with_bytes(self) -> str:
        """Return the digest over time, sender, receiver and bytes of every packet so far."""
        return sha256(b"".join(self._chains())).hexdigest()

    def without_bytes(self) -> str:
        """Return the same, with the size of each packet instead of its bytes."""
        return sha256(self._chains()[0]).hexdigest()

    def _chains(self) -> tuple[bytes, bytes]:
        facts = array("Q", self._facts)
        if sys.byteorder == "big":
            facts.byteswap()
        return (
            sha256(self._facts_chain + facts.tobytes()).digest(),
            sha256(self._bytes_chain + b"".join(self._packets)).digest(),
        )
