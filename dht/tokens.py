"""Write tokens: proof that whoever stores a record has lately received an answer at that very host.

A token is a keyed hash of the requester's node id and host under a secret that changes every period (BEP 5 has the
same idea). Nothing is kept per requester. Tokens of the current and of the previous period are accepted, so whom one
was given may use it for a period at least.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest

from ..wire.identity import NodeId
from .config import DhtConfig

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
        current, previous = self._secrets
        return compare_digest(token, self._token(current, node_id, host)) or compare_digest(
            token, self._token(previous, node_id, host)
        )

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


class KnownTokens:
    """Tokens that peers gave us; of more than `tokens_max` the oldest is forgotten."""

    __slots__ = ("_config", "_tokens")

    def __init__(self, config: DhtConfig) -> None:
        self._config = config
        self._tokens: dict[NodeId, tuple[bytes, float]] = {}

    def note(self, node_id: NodeId, token: bytes, now: float) -> None:
        """Keep the latest token of a peer."""
        if not token:
            return
        self._tokens.pop(node_id, None)
        self._tokens[node_id] = (token, now)
        if len(self._tokens) > self._config.tokens_max:
            del self._tokens[next(iter(self._tokens))]

    def fresh(self, node_id: NodeId, now: float) -> bytes:
        """Return a token that the peer still takes, unless it has another period or has restarted; empty if none."""
        token, given_at = self._tokens.get(node_id, (b"", now))
        return token if now - given_at < self._config.token_rotation_s else b""
