"""A token bucket: so much per second, so much at once."""

from __future__ import annotations


class TokenBucket:
    """Spend a rate; unused allowance is kept up to the burst."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """Spend an amount; false, and nothing is spent, when there is less."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if amount > self._tokens:
            return False
        self._tokens -= amount
        return True
