"""The unreliable frames that wait to leave a session: pings and their answers, then requests and words about ways.

First come, first out.
"""

from __future__ import annotations

from .errors import PayloadTooLarge
from .frames import NAT, PING, PONG, RPC, RPC_BYTES_MAX, TOKEN_FRAME, encode_rpc

PINGS_MAX = 16
"""Unanswered pings remembered; an owner has one or two under way."""

TOKENS_MAX = 64
"""Pings and answers waiting; a peer that asks for more at once has no use for them."""


class ControlQueue:
    """Queue frames and fill packets with them."""

    __slots__ = (
        "_answered_ping_at",
        "_ping_count",
        "_pings",
        "_rpcs",
        "_rpcs_max",
        "_tokens",
    )

    def __init__(self, rpcs_max: int) -> None:
        self._rpcs_max = rpcs_max
        self._rpcs: list[bytes] = []
        self._tokens: list[bytes] = []
        self._pings: dict[bytes, float] = {}
        self._ping_count = 0
        self._answered_ping_at = float("-inf")  # when the latest ping was sent that was answered

    def __bool__(self) -> bool:
        return bool(self._rpcs or self._tokens)

    def add_rpc(self, payload: bytes) -> bool:
        """Queue a request or answer; false when the oldest had to go for it. Raises PayloadTooLarge."""
        return self._add(RPC, payload)

    def add_nat(self, message: bytes) -> bool:
        """Queue a word about ways, among the requests and like one."""
        return self._add(NAT, message)

    def add_ping(self, now: float) -> bool:
        """Queue a ping and remember when; false when there is no room for it."""
        token = self._ping_count.to_bytes(8, "big")
        self._ping_count += 1
        if len(self._pings) >= PINGS_MAX:
            del self._pings[next(iter(self._pings))]
        self._pings[token] = now
        return self._add_token(PING, token)

    def add_pong(self, token: bytes) -> bool:
        """Queue the answer to a ping; false when there is no room for it."""
        return self._add_token(PONG, token)

    def round_trip_s(self, token: bytes, now: float) -> float | None:
        """Return how long the ping with this token took, once; None when there was none."""
        sent_at = self._pings.pop(token, None)
        if sent_at is None:
            return None
        self._answered_ping_at = max(self._answered_ping_at, sent_at)
        return now - sent_at

    @property
    def waiting_since(self) -> float | None:
        """When the oldest ping was sent of those that are later than all that were answered."""
        return next((sent_at for sent_at in self._pings.values() if sent_at > self._answered_ping_at), None)

    def fill(self, parts: list[bytes | memoryview], room: int) -> int:
        """Add what fits to a packet; returns the room left."""
        for queue in (self._tokens, self._rpcs):
            if not queue:
                continue
            fitting = 0
            for frame in queue:
                if len(frame) > room:
                    break
                room -= len(frame)
                parts.append(frame)
                fitting += 1
            del queue[:fitting]
        return room

    def _add(self, kind: int, payload: bytes) -> bool:
        if len(payload) > RPC_BYTES_MAX:
            raise PayloadTooLarge("request", len(payload), RPC_BYTES_MAX)
        full = len(self._rpcs) >= self._rpcs_max
        if full:
            del self._rpcs[0]
        self._rpcs.append(encode_rpc(payload, kind))
        return not full

    def _add_token(self, kind: int, token: bytes) -> bool:
        has_room = len(self._tokens) < TOKENS_MAX
        if has_room:
            self._tokens.append(TOKEN_FRAME.pack(kind, token))
        return has_room
