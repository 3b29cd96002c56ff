"""Nonces that need no memory: each says when it was made and proves that it was made here, for whom it was made.

    "obMatJos2" | features in base64 | base64 of: seconds 4 | HMAC-SHA256 over seconds and the client, 11 bytes

The beginning tells clients that PASSWORD-ALGORITHMS may be used and makes leaving it out noticed (RFC 8489, 9.2).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from ...wire.endpoint import Endpoint

PASSWORD_ALGORITHMS_COOKIE = b"obMatJos2AAAB"
"""The fixed beginning, and feature bit 0: password algorithms."""

NONCE_BYTES = 33

_SECONDS_BYTES = 4
_PROOF_BYTES = 11
"""88 bits: guessing one in a nonce's life is out of reach, and every byte counts in answers to strangers."""


class Nonces:
    """Make and check nonces with a secret key of this server."""

    __slots__ = ("_key", "_life_s")

    def __init__(self, key: bytes, life_s: int) -> None:
        self._key = key
        self._life_s = life_s

    def make(self, client: Endpoint, now: float) -> bytes:
        """Return a nonce for a client."""
        seconds = (int(now) & 0xFFFFFFFF).to_bytes(_SECONDS_BYTES, "big")
        return PASSWORD_ALGORITHMS_COOKIE + urlsafe_b64encode(seconds + self._proof(seconds, client))

    def is_fresh(self, nonce: bytes, client: Endpoint, now: float) -> bool:
        """Tell whether a nonce was made here, for this client, not too long ago."""
        if len(nonce) != NONCE_BYTES or not nonce.startswith(PASSWORD_ALGORITHMS_COOKIE):
            return False
        try:
            made = urlsafe_b64decode(nonce[len(PASSWORD_ALGORITHMS_COOKIE) :])
        except Error:
            return False
        seconds, proof = made[:_SECONDS_BYTES], made[_SECONDS_BYTES:]
        age_s = (int(now) - int.from_bytes(seconds, "big")) & 0xFFFFFFFF
        return age_s <= self._life_s and hmac.compare_digest(proof, self._proof(seconds, client))

    def _proof(self, seconds: bytes, client: Endpoint) -> bytes:
        return hmac.digest(self._key, seconds + str(client).encode(), "sha256")[:_PROOF_BYTES]
