import pytest

from mesh99.dht import DhtConfig
from mesh99.wire.errors import ConfigError


def test_defaults_are_valid() -> None:
    assert DhtConfig().bucket_size == 20


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"bucket_size": 0}, "dht.bucket_size"),
        ({"timeout_s_max": -1.0}, "dht.timeout_s_max"),
        ({"store_quorum": 9}, "dht.store_quorum"),
        ({"timeout_s_min": 3.0}, "dht.timeout_s_min"),
        ({"window_min": 100}, "dht.window_first"),
        ({"greeted_max": -1}, "dht.greeted_max"),
        ({"greet_after_s": 0.0}, "dht.greet_after_s"),
    ],
)
def test_bad_values_name_the_field(values: dict[str, float], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DhtConfig(**values)
    assert caught.value.field == field


def test_a_limit_of_0_does_without_where_that_means_something() -> None:
    assert DhtConfig(greeted_max=0).greeted_max == 0
