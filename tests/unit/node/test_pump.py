"""The pump wakes its Overlay when that asked to be woken up, and asks it nothing for nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mesh99.node.pump import Pump
from mesh99.simulations.world import World


class Overlay:
    """One deadline, and nothing to send."""

    has_output = has_changes = False

    def __init__(self) -> None:
        self.due_at: float | None = None
        self.woken: list[float] = []
        self.asked = 0

    def next_timeout(self) -> float | None:
        self.asked += 1
        return self.due_at

    def handle_timeout(self, now: float) -> None:
        self.woken.append(now)
        self.due_at = None


@pytest.fixture
def world() -> World:
    return World(1)


@pytest.fixture
def overlay() -> Overlay:
    return Overlay()


@pytest.fixture
def pump(world: World, overlay: Overlay) -> Pump:
    anything: Any = overlay
    network: Any = SimpleNamespace()
    return Pump(anything, world, network)


def test_it_wakes_the_overlay_in_time(world: World, overlay: Overlay, pump: Pump) -> None:
    overlay.due_at = 2.0
    pump.flush()
    world.run_until(5.0)
    assert overlay.woken == [pytest.approx(2.0)]


def test_a_timer_for_what_was_settled_asks_nothing(world: World, overlay: Overlay, pump: Pump) -> None:
    overlay.due_at = 1.0
    pump.flush()
    overlay.due_at = 3.0
    pump.flush()
    asked = overlay.asked
    world.run_until(2.0)
    assert (overlay.asked, overlay.woken) == (asked, [])
    world.run_until(4.0)
    assert overlay.woken == [pytest.approx(3.0)]


def test_the_last_command_of_a_turn_has_its_timer_too(world: World, overlay: Overlay, pump: Pump) -> None:
    overlay.due_at = 9.0
    pump.kick()
    overlay.due_at = 1.0
    pump.kick()
    world.run_until(2.0)
    assert overlay.woken == [pytest.approx(1.0)]


def test_what_is_queued_later_in_a_turn_leaves_at_its_end_and_nothing_is_looked_for_otherwise(
    world: World, overlay: Overlay, pump: Pump
) -> None:
    pump.kick()
    asked = overlay.asked
    world.run_until(world.now() + 0.001)
    assert overlay.asked == asked, "nothing was queued after the first"
    pump.kick()
    pump.kick()
    asked = overlay.asked
    world.run_until(world.now() + 0.001)
    assert overlay.asked == asked + 1
