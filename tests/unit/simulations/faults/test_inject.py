from __future__ import annotations

import pickle
from collections.abc import Iterator
from random import Random

import pytest

from mesh99.simulations.faults.inject import Plan
from mesh99.wire import fault_points


@pytest.fixture(autouse=True)
def _off() -> Iterator[None]:
    yield
    fault_points.end()


def test_a_plan_is_asked_while_anything_is_armed() -> None:
    plan = Plan()
    plan.arm("dht.no-room", b"a", Random(1), 1.0)
    plan.arm("dht.no-room", b"b", Random(2), 0.0)
    assert fault_points.active
    assert fault_points.fires("dht.no-room", b"a")
    assert not fault_points.fires("dht.no-room", b"b")
    assert not fault_points.fires("dht.no-room", b"c")
    assert not fault_points.fires("dht.drop-reply", b"a")
    plan.disarm("dht.no-room", b"a")
    assert fault_points.active
    plan.disarm("dht.no-room", b"b")
    assert not fault_points.active
    assert plan.fired == {"dht.no-room": 1}


def test_a_node_has_its_own_numbers_whatever_others_do() -> None:
    def draws(with_other: bool) -> list[bool]:
        plan = Plan()
        plan.arm("dht.no-room", b"a", Random(1), 0.5)
        plan.arm("dht.no-room", b"b", Random(2), 0.5)
        result = []
        for _ in range(20):
            if with_other:
                plan.decide("dht.no-room", b"b")
            result.append(plan.decide("dht.no-room", b"a"))
        return result

    assert draws(True) == draws(False)
    assert 0 < sum(draws(True)) < 20


def test_a_plan_that_was_put_aside_takes_effect_where_it_is_taken_up() -> None:
    plan = Plan()
    plan.arm("dht.no-room", b"a", Random(1), 1.0)
    kept = pickle.dumps(plan)
    fault_points.end()
    again = pickle.loads(kept)
    assert fault_points.active
    assert fault_points.fires("dht.no-room", b"a")
    assert again.fired == {"dht.no-room": 1}
    assert plan.fired == {}
