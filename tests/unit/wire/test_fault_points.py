from __future__ import annotations

from collections.abc import Iterator

import pytest

from mesh99.wire import fault_points
from mesh99.wire.errors import ConfigError


@pytest.fixture(autouse=True)
def _off() -> Iterator[None]:
    yield
    fault_points.end()


def test_nothing_fails_unless_somebody_decides() -> None:
    assert not fault_points.active
    assert not fault_points.fires("dht.drop-reply", b"node")


def test_who_decides_is_asked_until_the_end() -> None:
    asked: list[tuple[str, bytes]] = []

    def decide(point: str, node_id: bytes) -> bool:
        asked.append((point, node_id))
        return len(asked) % 2 == 1

    fault_points.begin(decide)
    assert fault_points.active
    assert [fault_points.fires("dht.no-room", b"n") for _ in range(3)] == [True, False, True]
    fault_points.end()
    assert not fault_points.active
    assert not fault_points.fires("dht.no-room", b"n")
    assert asked == [("dht.no-room", b"n")] * 3


def test_a_point_that_does_not_exist_is_named() -> None:
    fault_points.check_point("dht.no-room")
    with pytest.raises(ConfigError) as caught:
        fault_points.check_point("dht.no-such")
    assert "dht.no-such" in str(caught.value)
