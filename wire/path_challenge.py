"""Believe a new UDP address of the peer only after it answered a challenge.

Packets prove who sent them, not from where: somebody on the way may have sent a true one on from another address. The
challenge is never longer than the packet that caused it, so it cannot be used to aim traffic at a third party. Its
token is computed from the address, the time and a secret of this side alone: nothing is remembered that a flood of
addresses could push out, and nobody who did not read the challenge can answer it, the peer included.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest

from .cipher import SEAL_BYTES
from .endpoint import Endpoint
from .frames import PATH_CHALLENGE, PATH_RESPONSE, TOKEN_FRAME

CHALLENGE_PACKET_BYTES = SEAL_BYTES + TOKEN_FRAME.size

KNOCK_PADDING = bytes(TOKEN_FRAME.size)
"""Makes a knock as long as the response and the challenge that come back for it."""

CHALLENGE_INTERVAL_S = 0.05
"""Least time between two challenges of one address; the answer to the first is on its way."""

TOKEN_S = 30.0
"""A token is good for this to twice this time: far above any round trip, short for an address to change hands."""


class PathChallenge:
    """Ask addresses, and tell whether they answered."""

    __slots__ = ("_asked", "_next_at", "_secret", "frames")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.frames: list[tuple[bytes, Endpoint]] = []
        """What is to go where, beside the path in use."""
        self._asked: Endpoint | None = None
        self._next_at = 0.0

    def add(self, frame: bytes, endpoint: Endpoint) -> bool:
        """Queue a frame, one an address: a single packet from there must not bring it several."""
        if any(endpoint == other for _, other in self.frames):
            return False
        self.frames.append((frame, endpoint))
        return True

    def ask(self, source: Endpoint, size: int, now: float) -> bool:
        """Challenge where a packet of `size` bytes came from, beside what goes there already if that fits the size."""
        waiting = next((frame for frame, endpoint in self.frames if endpoint == source), b"")
        lately = source == self._asked and now < self._next_at
        if size < CHALLENGE_PACKET_BYTES + len(waiting) or lately:
            return False
        self._asked, self._next_at = source, now + CHALLENGE_INTERVAL_S
        self.frames = [each for each in self.frames if each[1] != source]
        self.frames.append((waiting + self.frame(source, now), source))
        return True

    def respond(self, token: bytes, endpoint: Endpoint) -> bool:
        """Answer a challenge to where it came from."""
        return self.add(TOKEN_FRAME.pack(PATH_RESPONSE, token), endpoint)

    def knock(self, endpoint: Endpoint, now: float) -> bool:
        """Challenge where the peer may be, in a packet long enough to be answered and challenged in return."""
        return self.add(self.frame(endpoint, now) + KNOCK_PADDING, endpoint)

    def frame(self, endpoint: Endpoint, now: float) -> bytes:
        """Return the challenge for an endpoint."""
        return TOKEN_FRAME.pack(PATH_CHALLENGE, self._token(endpoint, now))

    def is_answer(self, token: bytes, source: Endpoint, now: float) -> bool:
        """Tell whether it is the token that was sent to this address lately."""
        return any(compare_digest(token, self._token(source, moment)) for moment in (now, now - TOKEN_S))

    def _token(self, endpoint: Endpoint, moment: float) -> bytes:
        period = int(moment // TOKEN_S).to_bytes(8, "big", signed=True)
        return blake2b(endpoint.pack() + period, key=self._secret, digest_size=8).digest()
