"""How often the checks of a run look."""

from __future__ import annotations

import pytest

from mesh99.simulations.course.looking import Looking
from mesh99.simulations.outcome import Failure
from mesh99.simulations.world import World


class Sees:
    """A check that sees something from a time on."""

    def __init__(self, from_s: float) -> None:
        self.looked_s: list[float] = []
        self._from_s = from_s

    def look(self, now_s: float) -> Failure | None:
        self.looked_s.append(now_s)
        if now_s < self._from_s:
            return None
        return Failure(check="sees", at_s=now_s, event=0, node=None, message="it is seen")


def test_every_check_looks_at_every_interval_and_what_it_sees_is_told() -> None:
    world, told = World(1), list[Failure]()
    early, late = Sees(12.0), Sees(1e9)
    looking = Looking(world, [early, late], 5.0, told.append)  # type: ignore[list-item]
    world.run_until(21.0)
    assert early.looked_s == late.looked_s == pytest.approx([5.0, 10.0, 15.0, 20.0])
    assert [failure.at_s for failure in told] == pytest.approx([15.0, 20.0])
    looking.look()
    assert len(told) == 3


def test_without_checks_nothing_is_planned() -> None:
    world = World(1)
    Looking(world, [], 5.0, lambda failure: None)
    assert not world.step()
