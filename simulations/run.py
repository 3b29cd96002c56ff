"""Run a scenario by name: the figures, the digest of all packets, and the line that repeats the run."""

from __future__ import annotations

import resource
import time
from typing import TypedDict

from ..wire.errors import ConfigError
from .scenario_join import Join, Progress
from .world import World

SCENARIOS = {"join": Join}

NODES_MAX = 0xFFFFFF
"""Simulated addresses are 10.x.x.x."""


class Outcome(TypedDict):
    """What a run gives; equal arguments give an equal `digest` on machines with the same library versions."""

    digest: str
    scenario: str
    seed: int
    figures: dict[str, float]


def scenarios() -> dict[str, str]:
    """Return each scenario with what it does, in a line."""
    return {name: (scenario.__doc__ or "").splitlines()[0] for name, scenario in SCENARIOS.items()}


def run_scenario(
    name: str, *, nodes: int, seed: int, hours: float | None = None, progress: Progress | None = None
) -> Outcome:
    """Run a scenario; raises ConfigError. `progress(done_s, total_s)` is called with virtual seconds.

    Any other error carries the line that repeats the run as a note.
    """
    _check(name, nodes, hours)
    began = time.perf_counter()
    world = World(seed)
    scenario = SCENARIOS[name](world, nodes)
    try:
        figures = scenario.run(None if hours is None else hours * 3600, progress)
    except Exception as error:
        error.add_note(
            f"after {world.now():.3f} virtual seconds; repeat it: {replay_line(name, nodes, seed, hours)}"
        )
        raise
    figures["wall_s"] = round(time.perf_counter() - began, 3)
    figures["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return {"digest": scenario.network.digest(), "scenario": name, "seed": seed, "figures": figures}


def replay_line(name: str, nodes: int, seed: int, hours: float | None = None) -> str:
    """Return the command that repeats a run."""
    length = "" if hours is None else f" --hours {hours!r}"
    return f"mesh99 sim run {name} --nodes {nodes}{length} --seed {seed}"


def _check(name: str, nodes: int, hours: float | None) -> None:
    if name not in SCENARIOS:
        raise ConfigError("scenario", f"there is no {name!r}", f"one of: {', '.join(SCENARIOS)}")
    if not 2 <= nodes <= NODES_MAX:
        raise ConfigError("nodes", f"must be 2 to {NODES_MAX}, not {nodes}")
    if hours is not None and hours <= 0:
        raise ConfigError("hours", "must be more than 0")
