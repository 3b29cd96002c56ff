"""How fast each source may ask: looked at before a message is read, so that a flood costs next to nothing."""

from __future__ import annotations

from ipaddress import IPv6Address

from ..bucket import TokenBucket

SITE_BYTES = 8
"""A home or a server has a /64 of IPv6 addresses at least: they are one source."""


class SourceRates:
    """Keep a token bucket for each of the latest sources."""

    def __init__(self, rate: float, burst: float, sources_max: int) -> None:
        self._rate = rate
        self._burst = burst
        self._sources_max = sources_max
        self._buckets: dict[str | bytes, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, host: str, now: float) -> bool:
        """Spend one request of a source; false when it has none left."""
        source = IPv6Address(host).packed[:SITE_BYTES] if ":" in host else host
        bucket = self._buckets.pop(source, None)
        if bucket is None:
            if len(self._buckets) >= self._sources_max:
                del self._buckets[next(iter(self._buckets))]
            bucket = TokenBucket(self._rate, self._burst, now)
        self._buckets[source] = bucket
        return bucket.take(1.0, now)
