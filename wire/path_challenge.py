"""Believe a new UDP address of the peer, or a circuit to it, only after it answered a challenge.

Packets prove who sent them, not from where: somebody on the way may have sent a true one on from another address. The
challenge is never longer than the packet that caused it, so it cannot be used to aim traffic at a third party. Its
token is computed from the address, the time and a secret of this side alone: nothing is remembered that a flood of
addresses could push out, and nobody who did not read the challenge can answer it, the peer included.

A peer that sends through a relay is followed there only when nothing but challenges comes from it over the path in
use: a relay is slower, and packets may still be on their way through it when both sides have left it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest

from .cipher import SEAL_BYTES
from .endpoint import RELAY, Endpoint
from .frames import PATH_CHALLENGE, PATH_RESPONSE, TOKEN_FRAME

CHALLENGE_PACKET_BYTES = SEAL_BYTES + TOKEN_FRAME.size

KNOCK_PADDING = bytes(TOKEN_FRAME.size)
"""Makes a knock as long as the response and the challenge that come back for it."""

CHALLENGE_INTERVAL_S = 0.05
"""Least time between two challenges of one address; the answer to the first is on its way."""

TOKEN_S = 30.0
"""A token is good for this to twice this time: far above any round trip, short for an address to change hands."""

STAY_S = 0.5
"""Silence on a path after which the peer has left it, if it sends elsewhere. Lower follows packets that were late."""

_ABOUT_PATHS = (PATH_CHALLENGE, PATH_RESPONSE)
"""What a packet begins with that says nothing about which path its sender uses."""


class PathChallenge:
    """Ask addresses, tell whether they answered, and whether to move there."""

    __slots__ = (
        "_asked",
        "_heard_at",
        "_heard_stream",
        "_next_at",
        "_peer_at",
        "_secret",
        "frames",
        "judge",
        "moved_at",
    )

    def __init__(self, secret: bytes, now: float) -> None:
        self._secret = secret
        self.judge: Callable[[Endpoint, float, bool], bool] | None = None
        """Says whether to move to an endpoint that answered, told whether the peer has gone there; None: always."""
        self.moved_at = now
        """Since when the path is in use."""
        self._heard_at = now
        self._heard_stream = (
            False  # the peer sent over TCP since the path moved there; datagrams say that it died
        )
        self._peer_at: Endpoint | None = None  # what the peer uses that is not the path in use
        self.frames: list[tuple[bytes, Endpoint]] = []
        """What is to go where, beside the path in use."""
        self._asked: Endpoint | None = None
        self._next_at = 0.0

    def moved(self, now: float) -> None:
        """Note that another path is in use from now on."""
        self.moved_at = self._heard_at = now
        self._heard_stream = False
        self._peer_at = None

    def came(self, source: Endpoint, path: Endpoint, size: int, kind: int, newest: bool, now: float) -> bool:
        """Note where an authentic packet came from and the kind of its first frame; true when that is to be asked."""
        probes = kind in _ABOUT_PATHS
        if source.transport == "tcp":
            self._heard_stream = True
            self._heard_at = now
        elif source == path:
            if not probes:
                self._heard_at, self._peer_at = now, None
        elif newest and self._may_leave(path):
            if not probes:
                self._peer_at = source
            followed = source.transport != RELAY or self._has_left(source, path, now)
            return followed and self.ask(source, size, now)
        return False

    def answered(self, token: bytes, source: Endpoint, path: Endpoint, now: float) -> bool:
        """Tell whether to move to where an answer came from."""
        if not self._may_leave(path) or not self.is_answer(token, source, now):
            return False
        left = self._has_left(source, path, now)
        return (source.transport != RELAY or left) if self.judge is None else self.judge(source, now, left)

    def take(self) -> list[tuple[bytes, Endpoint]]:
        """Return what is to go where, once."""
        frames, self.frames = self.frames, []
        return frames

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

    def _may_leave(self, path: Endpoint) -> bool:
        return self._heard_stream or path.is_datagram

    def _has_left(self, source: Endpoint, path: Endpoint, now: float) -> bool:
        """Tell whether the peer has left the path in use for the one that a packet came from.

        One address for another of the same kind is a box that forgot; for the rest, the path must have fallen silent.
        """
        alike = (source.transport, source.scope) == (path.transport, path.scope) and source.transport != RELAY
        return source == self._peer_at and (alike or now - self._heard_at >= STAY_S)

    def _token(self, endpoint: Endpoint, moment: float) -> bytes:
        period = int(moment // TOKEN_S).to_bytes(8, "big", signed=True)
        return blake2b(endpoint.pack() + period, key=self._secret, digest_size=8).digest()
