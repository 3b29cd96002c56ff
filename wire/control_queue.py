"""The small unreliable frames that wait to leave a session: pings, their answers, requests. First come, first out."""

from __future__ import annotations

from .errors import PayloadTooLarge
from .frames import PING, PONG, RPC, RPC_BYTES_MAX, RPC_HEAD, TOKEN_FRAME

PINGS_MAX = 16
"""Unanswered pings remembered; an owner has one or two under way."""

TOKENS_MAX = 64
"""Pings and answers waiting; a peer that asks for more at once has no use for them."""


class ControlQueue:
    """Queue frames and fill packets with them."""

    __slots__ = ("_ping_count", "_pings", "_rpcs", "_rpcs_max", "_tokens")

    def __init__(self, rpcs_max: int) -> None:
        self._rpcs_max = rpcs_max
        self._rpcs: list[bytes] = []
        self._tokens: list[bytes] = []
        self._pings: dict[bytes, float] = {}
        self._ping_count = 0

    def __bool__(self) -> bool:
        return bool(self._rpcs or self._tokens)

    def add_rpc(self, payload: bytes) -> bool:
        """Queue a request or answer; false when the oldest had to go for it. Raises PayloadTooLarge."""
        if len(payload) > RPC_BYTES_MAX:
            raise PayloadTooLarge("request", len(payload), RPC_BYTES_MAX)
        full = len(self._rpcs) >= self._rpcs_max
        if full:
            del self._rpcs[0]
        self._rpcs.append(RPC_HEAD.pack(RPC, len(payload)) + payload)
        return not full

    def add_ping(self, now: float) -> None:
        """Queue a ping and remember when."""
        token = self._ping_count.to_bytes(8, "big")
        self._ping_count += 1
        if len(self._pings) >= PINGS_MAX:
            del self._pings[next(iter(self._pings))]
        self._pings[token] = now
        self._add_token(PING, token)

    def add_pong(self, token: bytes) -> None:
        """Queue the answer to a ping."""
        self._add_token(PONG, token)

    def round_trip_s(self, token: bytes, now: float) -> float | None:
        """Return how long the ping with this token took, once; None when there was none."""
        sent_at = self._pings.pop(token, None)
        return None if sent_at is None else now - sent_at

    def fill(self, parts: list[bytes | memoryview], room: int) -> int:
        """Add what fits to a packet; returns the room left."""
        for queue in (self._tokens, self._rpcs):
            fitting = 0
            for frame in queue:
                if len(frame) > room:
                    break
                room -= len(frame)
                parts.append(frame)
                fitting += 1
            del queue[:fitting]
        return room

    def _add_token(self, kind: int, token: bytes) -> None:
        if len(self._tokens) < TOKENS_MAX:
            self._tokens.append(TOKEN_FRAME.pack(kind, token))
