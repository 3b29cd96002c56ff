"""RateLimiter: a token bucket per address (sans-IO)."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Network

from .config import RegistryConfig


class RateLimiter:
    """Tell which requests are over the rate of their address.

    Remembers the `rate_hosts_max` addresses that asked last; a forgotten one starts with a full bucket, so an
    attacker with more addresses than that is limited by connections only.
    """

    def __init__(self, config: RegistryConfig) -> None:
        self._config = config
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, host: str, now: float) -> bool:
        """Take one token of `host`; False when it has none left."""
        config = self._config
        if ":" in host:
            host = str(IPv6Network((host.partition("%")[0], 64), strict=False))  # one customer holds a /64
        tokens, since = self._buckets.pop(host, (config.requests_burst, now))
        tokens = min(config.requests_burst, tokens + (now - since) * config.requests_per_s)
        allowed = tokens >= 1.0
        self._buckets[host] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > config.rate_hosts_max:
            self._buckets.popitem(last=False)
        return allowed
