from __future__ import annotations

import pytest

from mesh99.node.registry.config import ClientConfig, PresenceConfig, RegistryConfig
from mesh99.wire.errors import ConfigError


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: RegistryConfig(agents_max=0), "agents_max"),
        (lambda: RegistryConfig(ttl_s=0.5), "ttl_s"),
        (lambda: RegistryConfig(ttl_s_max=10.0), "ttl_s"),
        (lambda: ClientConfig(timeout_s=-1.0), "timeout_s"),
        (lambda: PresenceConfig(retry_s_min=100.0), "retry_s_min"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(make, field):
    with pytest.raises(ConfigError) as caught:
        make()
    assert caught.value.field == field


def test_defaults_are_valid():
    RegistryConfig()
    ClientConfig()
    PresenceConfig()
