from __future__ import annotations

from mesh99.node.registry.config import RegistryConfig
from mesh99.node.registry.rate import RateLimiter


def test_a_burst_then_the_sustained_rate():
    limiter = RateLimiter(RegistryConfig(requests_per_s=2.0, requests_burst=3.0))
    assert [limiter.allow("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert [limiter.allow("a", 0.5) for _ in range(2)] == [True, False]
    assert [limiter.allow("a", 60.0) for _ in range(4)] == [True, True, True, False]


def test_one_address_does_not_take_from_another():
    limiter = RateLimiter(RegistryConfig(requests_per_s=1.0, requests_burst=1.0))
    assert limiter.allow("a", 0.0)
    assert not limiter.allow("a", 0.0)
    assert limiter.allow("b", 0.0)


def test_the_addresses_of_one_ipv6_network_share_their_rate():
    limiter = RateLimiter(RegistryConfig(requests_per_s=1.0, requests_burst=1.0))
    assert limiter.allow("2001:db8::1", 0.0)
    assert not limiter.allow("2001:db8::ffff", 0.0)
    assert limiter.allow("2001:db8:0:1::1", 0.0)
    assert limiter.allow("fe80::1%eth0", 0.0)


def test_remembers_a_bounded_number_of_addresses():
    limiter = RateLimiter(RegistryConfig(requests_per_s=1.0, requests_burst=1.0, rate_hosts_max=2))
    for host in ("a", "b", "c"):
        assert limiter.allow(host, 0.0)
    assert not limiter.allow("c", 0.0)
    assert limiter.allow("a", 0.0)  # forgotten since: its bucket is full again
