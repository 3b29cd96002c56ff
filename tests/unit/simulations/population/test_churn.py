"""Who comes and goes, and how many are there: without Overlays, of which churn knows nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.simulations.population.churn import SWING_STEP_S, Churn
from mesh99.simulations.scenario.schema import Churn as Settings
from mesh99.simulations.scenario.schema import Duration, Lifetimes, Share
from mesh99.simulations.world import World
from mesh99.wire.errors import ConfigError

HOUR = 3600.0


class Machine:
    """A host that counts."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.up = False
        self.starts = 0
        self.stops = 0
        self.crashes = 0

    def start(self) -> None:
        self.crowd.up += not self.up
        self.up = True
        self.starts += 1

    def stop(self) -> None:
        self._down()
        self.stops += 1

    def crash(self) -> None:
        self._down()
        self.crashes += 1

    def _down(self) -> None:
        self.crowd.up -= self.up
        self.up = False


class Crowd:
    """A population of machines."""

    def __init__(self) -> None:
        self.machines: list[Machine] = []
        self.up = 0

    def start_new(self) -> Machine:
        machine = Machine(self)
        self.machines.append(machine)
        machine.start()
        return machine


def _churning(nodes: int, seed: int = 1, **settings: Any) -> tuple[World, Crowd, Churn]:
    world, crowd = World(seed), Crowd()
    churn = Churn(world, crowd, Settings(**settings))  # type: ignore[arg-type]
    churn.begin([crowd.start_new() for _ in range(nodes)])  # type: ignore[misc]
    return world, crowd, churn


@pytest.mark.parametrize(
    "offline",
    [
        Lifetimes(scale=Duration(HOUR)),
        Lifetimes(scale=Duration(3.66 * HOUR)),
        # Whoever is away comes back on the hour, so a beginning that is no equilibrium shows at once.
        Lifetimes(distribution="fixed", scale=Duration(2 * HOUR)),
    ],
    ids=["short", "as long", "fixed"],
)
def test_the_population_is_stationary_from_the_first_second(offline: Lifetimes) -> None:
    world, crowd, _ = _churning(2000, offline=offline)
    seen = []
    for quarter in range(1, 97):
        world.run_until(quarter * HOUR / 4)
        seen.append(crowd.up)
    # sqrt(2000) is 45, and consecutive quarters are alike.
    assert min(seen) > 2000 - 180
    assert max(seen) < 2000 + 180
    assert sum(seen) / len(seen) == pytest.approx(2000, rel=0.04)


def test_a_share_never_leaves_and_every_other_does() -> None:
    session = Lifetimes(distribution="fixed", scale=Duration(HOUR))
    world, crowd, _ = _churning(100, session=session, offline=session, always_online=Share(0.25))
    world.run_until(HOUR + 1)
    stayed = [machine for machine in crowd.machines[:100] if not machine.stops + machine.crashes]
    assert len(stayed) == 25
    assert crowd.up == pytest.approx(100, abs=25)


def test_departures_are_graceful_as_often_as_set() -> None:
    session = Lifetimes(distribution="exponential", scale=Duration(HOUR))
    world, crowd, _ = _churning(300, session=session, offline=session, graceful=Share(0.8))
    world.run_until(10 * HOUR)
    stops = sum(machine.stops for machine in crowd.machines)
    crashes = sum(machine.crashes for machine in crowd.machines)
    assert stops / (stops + crashes) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("share", "most"), [(0.0, 1), (1.0, None)])
def test_who_comes_back_is_the_same_or_new(share: float, most: int | None) -> None:
    hour = Lifetimes(distribution="fixed", scale=Duration(HOUR))
    world, crowd, _ = _churning(
        50, session=hour, offline=hour, always_online=Share(0.0), new_identity=Share(share)
    )
    world.run_until(20 * HOUR)
    again = [machine.starts for machine in crowd.machines]
    if most is None:
        assert max(again) == 1
        assert len(again) > 400
    else:
        assert len(again) == 100
        assert min(again) > 5


def test_the_same_seed_gives_the_same_coming_and_going() -> None:
    def history(seed: int) -> list[int]:
        world, crowd, _ = _churning(50, seed)
        seen = []
        for step in range(1, 50):
            world.run_until(step * 600.0)
            seen.append(crowd.up)
        return seen

    assert history(5) == history(5) != history(6)


def test_a_day_has_its_peak_and_its_low() -> None:
    world, crowd, _ = _churning(500, diurnal=Share(0.3))
    world.run_until(6 * HOUR + 2 * SWING_STEP_S)
    assert crowd.up == pytest.approx(650, abs=15)
    world.run_until(18 * HOUR + 2 * SWING_STEP_S)
    assert crowd.up == pytest.approx(350, abs=15)


def test_who_is_taken_in_leaves_one_day() -> None:
    hour = Lifetimes(distribution="fixed", scale=Duration(HOUR))
    world, crowd, churn = _churning(1, session=hour, offline=hour, always_online=Share(1.0))
    late = crowd.start_new()
    churn.take_in(late)  # type: ignore[arg-type]
    world.run_until(HOUR - 1)
    assert late.up
    world.run_until(HOUR + 1)
    assert not late.up


def test_a_distribution_without_a_mean_is_refused() -> None:
    endless = Lifetimes(distribution="pareto", shape=0.9)
    with pytest.raises(ConfigError) as caught:
        Churn(World(1), Crowd(), Settings(offline=endless))  # type: ignore[arg-type]
    assert caught.value.field == "churn.offline.shape"
