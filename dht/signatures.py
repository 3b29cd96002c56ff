"""Checking who signed a record, once for the same bytes: what is read again and again is checked the first time.

A holder needs no such memory: it knows a record that it holds by its sequence. A reader has none of its own.
"""

from __future__ import annotations

from hashlib import blake2b

from ..wire.crypto import Crypto
from ..wire.record import Record

DIGEST_BYTES = 32  # no two records can be made that share one, as a forger of the second would need


class Signatures:
    """Whether records are signed by their owners; the last `verified_max` that were are remembered."""

    __slots__ = ("_crypto", "_verified", "_verified_max")

    def __init__(self, verified_max: int, crypto: Crypto) -> None:
        self._crypto = crypto
        self._verified_max = verified_max
        self._verified: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._verified)

    def verify(self, record: Record) -> bool:
        """Tell whether the owner signed exactly this."""
        digest = blake2b(record.encode(), digest_size=DIGEST_BYTES).digest()
        known = digest in self._verified
        if not known and not record.verify(self._crypto):
            return False
        self._verified.pop(digest, None)
        self._verified[digest] = None
        if len(self._verified) > self._verified_max:
            del self._verified[next(iter(self._verified))]
        return True
