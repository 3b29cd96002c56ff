"""Believe a new UDP address of the peer only after it answered a challenge.

Packets prove who sent them, not from where: somebody on the way may have sent a true one on from another address. The
challenge is never longer than the packet that caused it, so it cannot be used to aim traffic at a third party, and its
token cannot be known to anyone who did not read it, the peer included.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest

from .cipher import SEAL_BYTES
from .endpoint import Endpoint
from .frames import PATH_CHALLENGE, TOKEN_FRAME

CHALLENGE_PACKET_BYTES = SEAL_BYTES + TOKEN_FRAME.size

CHALLENGE_INTERVAL_S = 0.05
"""Least time between two challenges of one address; the answer to the first is on its way."""


class PathChallenge:
    """Hold the address that is being asked, if there is one."""

    __slots__ = ("_endpoint", "_next_at", "_secret", "_token")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._endpoint: Endpoint | None = None
        self._next_at = 0.0
        self._token = b""

    def frame_for(self, source: Endpoint, size: int, counter: int, now: float) -> bytes | None:
        """Return the challenge that a packet of `size` bytes from there calls for, or None."""
        if size < CHALLENGE_PACKET_BYTES or (source == self._endpoint and now < self._next_at):
            return None
        self._endpoint, self._next_at = source, now + CHALLENGE_INTERVAL_S
        asked = source.pack() + counter.to_bytes(8, "big")
        self._token = blake2b(asked, key=self._secret, digest_size=8).digest()
        return TOKEN_FRAME.pack(PATH_CHALLENGE, self._token)

    def answered(self, token: bytes) -> Endpoint | None:
        """Return the address that is proved by the answer, or None."""
        endpoint = self._endpoint
        if endpoint is None or not compare_digest(token, self._token):
            return None
        self._endpoint = None
        return endpoint
