"""Clocks that are wrong."""

from __future__ import annotations

import pytest

from mesh99.simulations.host_clock import HostClock
from mesh99.simulations.world import UNIX_ORIGIN_S, World


def _clock() -> tuple[World, HostClock]:
    world = World(1)
    return world, HostClock(world)


def test_a_right_clock_is_the_worlds() -> None:
    world, clock = _clock()
    world.run_until(12.5)
    assert (clock.now(), clock.unix_now()) == (12.5, UNIX_ORIGIN_S + 12.5)


def test_a_fast_clock_gains_and_never_jumps() -> None:
    world, clock = _clock()
    world.run_until(100.0)
    clock.drift(1.01)
    assert clock.now() == pytest.approx(100.0)
    world.run_until(200.0)
    assert clock.now() == pytest.approx(201.0)
    clock.drift(1.0)
    world.run_until(300.0)
    assert clock.now() == pytest.approx(301.0)
    assert clock.unix_now() == pytest.approx(UNIX_ORIGIN_S + 301.0)


@pytest.mark.parametrize("rate", [0.5, 0.999_972, 1.000_013, 2.0])
@pytest.mark.parametrize("began_s", [0.0, 1234.567, 3e7])
def test_a_call_comes_when_the_hosts_own_clock_says_so(rate: float, began_s: float) -> None:
    world, clock = _clock()
    world.run_until(began_s)
    clock.drift(rate)
    due = [clock.now() + step / 7 for step in range(1, 50)]
    seen: list[tuple[float, float]] = []
    for when in due:
        clock.call_at(when, lambda when=when: seen.append((when, clock.now())))
    world.run_until(began_s + 100.0)
    assert [when for when, _ in seen] == due
    assert all(when <= now <= when + 1e-6 for when, now in seen)


def test_the_wall_clock_jumps_and_the_monotonic_one_does_not() -> None:
    world, clock = _clock()
    world.run_until(10.0)
    clock.jump(-3600.0)
    assert (clock.now(), clock.unix_now()) == (10.0, UNIX_ORIGIN_S - 3590.0)
    clock.jump(3600.0)
    assert clock.unix_now() == UNIX_ORIGIN_S + 10.0


def test_a_call_can_be_called_off() -> None:
    world, clock = _clock()
    clock.drift(2.0)
    seen: list[str] = []
    clock.call_at(1.0, lambda: seen.append("late")).cancel()
    clock.call_soon(lambda: seen.append("soon"))
    world.run_until(5.0)
    assert seen == ["soon"]
