"""Stateless cookies: under load, a stranger first proves that it receives at the address it writes from.

A cookie is a keyed hash of the source endpoint and the caller's connection id, under a secret that changes every 120
seconds (WireGuard's period); cookies of the secret before are good too. Nothing is stored per stranger.
"""

from __future__ import annotations

import hmac
from hashlib import blake2s

from .endpoint import Endpoint
from .packet import COOKIE, COOKIE_BYTES

ROTATION_S = 120.0


class CookieJar:
    """Make and check cookies."""

    __slots__ = ("_period_offset", "_secret")

    def __init__(self, secret: bytes, now: float) -> None:
        self._secret = secret
        self._period_offset = now

    def make(self, source: Endpoint, source_id: int, now: float) -> bytes:
        """Return the cookie of this moment for a caller."""
        return self._cookie(source, source_id, self._period(now))

    def check(self, cookie: bytes, source: Endpoint, source_id: int, now: float) -> bool:
        """Tell whether a cookie was made for this caller in this period or the one before."""
        period = self._period(now)
        current, previous = (self._cookie(source, source_id, p) for p in (period, period - 1))
        return hmac.compare_digest(cookie, current) | hmac.compare_digest(cookie, previous)

    def packet(self, source: Endpoint, source_id: int, now: float) -> bytes:
        """Return the COOKIE packet that answers a first packet; always shorter than it."""
        return bytes((COOKIE,)) + source_id.to_bytes(8, "big") + self.make(source, source_id, now)

    def _period(self, now: float) -> int:
        return int((now - self._period_offset) // ROTATION_S)

    def _cookie(self, source: Endpoint, source_id: int, period: int) -> bytes:
        message = source.pack() + source_id.to_bytes(8, "big") + period.to_bytes(8, "big", signed=True)
        return blake2s(message, key=self._secret, digest_size=COOKIE_BYTES, person=b"m99cooki").digest()
