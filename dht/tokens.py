"""Write tokens: proof that whoever stores a record has just received an answer at that very host.

A token is a keyed hash of the requester's node id and host under a secret that changes every period (BEP 5 has the
same idea). Nothing is kept per requester. Tokens of the current and of the previous period are accepted.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest

TOKEN_BYTES = 8  # 2^64 guesses within two periods, each a datagram in an authenticated session


class WriteTokens:
    """Make and check write tokens; `secret` is 32 bytes nobody else knows."""

    __slots__ = ("_period", "_rotation_s", "_secret", "_secrets")

    def __init__(self, secret: bytes, rotation_s: float) -> None:
        self._secret = secret
        self._rotation_s = rotation_s
        self._period: int | None = None
        self._secrets: tuple[bytes, bytes] = (b"", b"")

    def make(self, node_id: bytes, host: str, now: float) -> bytes:
        """Return the token of a requester."""
        self._rotate(now)
        return self._token(self._secrets[0], node_id, host)

    def check(self, token: bytes, node_id: bytes, host: str, now: float) -> bool:
        """Tell whether the token was made here for this requester, at most two periods ago."""
        self._rotate(now)
        return any(compare_digest(token, self._token(secret, node_id, host)) for secret in self._secrets)

    def _rotate(self, now: float) -> None:
        period = int(now // self._rotation_s)
        if period != self._period:
            self._period = period
            self._secrets = (self._secret_of(period), self._secret_of(period - 1))

    def _secret_of(self, period: int) -> bytes:
        salt = period.to_bytes(8, "big", signed=True)
        return blake2b(salt, key=self._secret, digest_size=32, person=b"mesh99-dht-token").digest()

    @staticmethod
    def _token(secret: bytes, node_id: bytes, host: str) -> bytes:
        return blake2b(node_id + host.encode(), key=secret, digest_size=TOKEN_BYTES).digest()
