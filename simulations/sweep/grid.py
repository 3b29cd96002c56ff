"""What a sweep runs: a scenario at each point of a grid of parameters, with each of some seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from pathlib import Path

from ...wire.errors import ConfigError
from ..code_version import code_version
from ..scenario.changes import with_changes
from ..scenario.schema import Scenario
from ..scenario.units import shown
from ..scenario.writing import write

RUNS_MAX = 100_000
"""Runs in one sweep; each is kept in memory as its result, some ten KB, and a sweep of more is a typing error."""

Point = Mapping[str, str]
"""Dotted keys of a scenario and their values, as texts."""

SEEDS = re.compile(r"(\d{1,18})(?:\.\.(\d{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of a sweep."""

    key: str
    """Hash of all that decides its result; runs with the same key are the same run."""
    point: Point
    seed: int
    scenario: Scenario


def tasks_of(
    scenario: Scenario, grid: Mapping[str, Sequence[str]], seeds: Sequence[int], crypto: str
) -> list[Task]:
    """Return a run for each point and seed; ConfigError names a value that the scenario cannot take."""
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    if len(points) * len(seeds) > RUNS_MAX:
        raise ConfigError("sweep", f"{len(points)} points with {len(seeds)} seeds are over {RUNS_MAX} runs")
    tasks: dict[str, Task] = {}
    for point in points:
        changed = with_changes(scenario, point)
        for seed in seeds:
            task = Task(key=key_of(changed, seed, crypto), point=point, seed=seed, scenario=changed)
            if task.key in tasks:
                raise ConfigError("sweep", f"{_told(task)} and {_told(tasks[task.key])} are the same run")
            tasks[task.key] = task
    return list(tasks.values())


def key_of(scenario: Scenario, seed: int, crypto: str) -> str:
    """Return the hash of all that decides the result of a run: scenario, seed, cipher suite, code."""
    parts = [write(scenario), _trace_hash(scenario), seed, crypto, code_version()]
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def parse_grid(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read `KEY=V1,V2` of a command line; raises ConfigError."""
    grid: dict[str, list[str]] = {}
    for text in texts:
        key, _, values = text.partition("=")
        parts = [part.strip() for part in values.split(",")]
        if not key.strip() or not all(parts):
            example = "population.nodes=100,1000"
            raise ConfigError("grid", f"must be KEY=VALUE,VALUE,.. such as {example}, not {shown(text)}")
        if key.strip() in grid:
            raise ConfigError("grid", f"has {key.strip()} twice: give all its values in one")
        grid[key.strip()] = parts
    return grid


def parse_seeds(text: str) -> list[int]:
    """Read `1..5,9` of a command line; raises ConfigError."""
    seeds = [seed for part in text.split(",") for seed in _seed_range(part.strip(), text)]
    return list(dict.fromkeys(seeds))


def _seed_range(part: str, text: str) -> Iterator[int]:
    match = SEEDS.fullmatch(part)
    if match is None:
        raise ConfigError("seeds", f"must be numbers and ranges such as 1..5,9, not {shown(text)}")
    first = int(match[1])
    last = int(match[2] or first)
    if not first <= last < first + RUNS_MAX:
        raise ConfigError("seeds", f"{part} must rise, by less than {RUNS_MAX}")
    yield from range(first, last + 1)


def _trace_hash(scenario: Scenario) -> str:
    """Hash what a churn trace says: the scenario has only its name."""
    if scenario.churn is None or not scenario.churn.trace:
        return ""
    return blake2b(Path(scenario.churn.trace).read_bytes(), digest_size=16).hexdigest()


def _told(task: Task) -> str:
    return " ".join([*(f"{key}={value}" for key, value in task.point.items()), f"seed {task.seed}"])
