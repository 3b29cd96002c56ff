"""Virtual time and seeded randomness."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.simulations.world import World


def test_calls_come_in_the_order_of_time_then_of_asking() -> None:
    world, seen = World(1), []
    world.call_at(2.0, lambda: seen.append("late"))
    for name in "abc":
        world.call_at(1.0, lambda name=name: seen.append(name))
    world.call_soon(lambda: seen.append("soon"))
    world.run_until(3.0)
    assert seen == ["soon", "a", "b", "c", "late"]


def test_a_call_never_comes_before_its_time() -> None:
    world, early = World(1), []
    for step in range(1, 2000):
        when = step / 7 + step * 1e-10
        world.call_at(when, lambda when=when: early.append(when) if world.now() < when else None)
    world.run_until(1000.0)
    assert early == []


def test_a_pushed_call_gets_its_arguments_and_a_number() -> None:
    world, seen = World(1), []
    world.push(2, lambda *args: seen.append((world.now_ns, world.event, args)), "late", 2)
    world.push(1, lambda *args: seen.append((world.now_ns, world.event, args)))
    world.run_until(1.0)
    assert seen == [(1, 2, ()), (2, 1, ("late", 2))]


def test_a_call_in_the_past_comes_at_once() -> None:
    world, seen = World(1), []
    world.run_until(5.0)
    world.call_at(1.0, lambda: seen.append(world.now()))
    world.run_until(5.0)
    assert seen == [5.0]


def test_a_cancelled_call_does_not_come() -> None:
    world, seen = World(1), []
    world.call_at(1.0, lambda: seen.append(1)).cancel()
    world.run_until(2.0)
    assert seen == []


def test_calls_after_the_end_wait_for_the_next_run() -> None:
    world, seen = World(1), []
    world.call_at(2.0, lambda: seen.append(2))
    world.run_until(1.5)
    assert (seen, world.now()) == ([], 1.5)
    world.run_until(2.5)
    assert seen == [2]


def test_a_node_that_stops_time_is_found_out() -> None:
    world = World(1)

    def again() -> None:
        world.call_at(world.now() - 1, again)

    world.call_at(1.0, again)
    with pytest.raises(RuntimeError, match="time stands still"):
        world.run_until(2.0)


def test_streams_depend_on_seed_node_and_purpose_only() -> None:
    draw = World(1).random(3, "x").random()
    assert World(1).random(3, "x").random() == draw
    assert len({draw, World(2).random(3, "x").random(), World(1).random(4, "x").random()}) == 3
    assert World(1).random(3, "y").random() != draw
    assert World(1).entropy(3)(32) == World(1).entropy(3)(32)


@pytest.mark.parametrize("years", [0.001, 0.3, 1.0, 3.0])
def test_a_call_never_comes_before_it_is_due_however_late_it_is(years: float) -> None:
    world = World(1)
    random = Random(2)
    early: list[float] = []

    def call(when: float) -> None:
        world.call_at(when, lambda: early.append(when) if world.now() < when else None)

    for _ in range(1000):
        call(years * 365 * 86_400 * (1 + random.random()))
    world.run_until(years * 3 * 365 * 86_400)
    assert early == []


def test_calls_that_ask_for_others_keep_the_order_over_many_seconds() -> None:
    world, random = World(1), Random(7)
    asked: list[tuple[int, int]] = []
    seen: list[tuple[int, int]] = []

    def push(time_ns: int) -> None:
        asked.append((time_ns, len(asked)))
        world.push(time_ns, come, len(asked) - 1)

    def come(number: int) -> None:
        seen.append((world.now_ns, number))
        if len(asked) < 3000:
            for reach_ns in (0, 10**6, 10**9, 10**12):
                push(world.now_ns + random.randint(0, reach_ns))

    push(0)
    for end_s in (0.5, 0.7, 30.0, 31.0, 10_000.0):
        world.run_until(end_s)
        push(world.now_ns + random.randint(0, 10**9))
    while world.step():
        pass
    assert seen == sorted(asked)
