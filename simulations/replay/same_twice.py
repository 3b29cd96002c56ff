"""Look whether a seed fixes every byte: the same run in two fresh processes that differ in all that must not matter.

They differ in the seed of Python's hashes, in the working directory and in `-X` options. When their digests differ,
both run once more with traces, and the first record that is not the same shows where order, time or chance came in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...wire.errors import DeadlineExceeded
from ..scenario.reading import write
from ..scenario.schema import Scenario
from .diff import Difference, first_difference

RUN_S_MAX = 600.0
"""Real time of one run."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How one of the processes is started."""

    hash_seed: str
    flags: tuple[str, ...]


SETTINGS = (
    Setting("1", ("-X", "utf8=0", "-X", "no_debug_ranges")),
    Setting("4294967295", ("-X", "utf8=1", "-X", "int_max_str_digits=0", "-X", "faulthandler")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """What two processes made of the same run."""

    digests: tuple[str, str]
    difference: Difference | None
    """Where they part, when they do."""

    @property
    def same(self) -> bool:
        """Tell whether every byte was the same."""
        return self.digests[0] == self.digests[1]

    def lines(self) -> list[str]:
        """Say it for people."""
        if self.difference is None:
            return [f"the same in two processes: {self.digests[0]}"]
        return [f"two processes give two digests: {' and '.join(self.digests)}", *self.difference.lines()]


def same_twice(
    scenario: Scenario, seed: int, *, crypto: str = "simulated", run_s: float = RUN_S_MAX
) -> Twice:
    """Run a scenario in two processes and compare; raises RuntimeError when one of them does not come to its end."""
    with TemporaryDirectory(prefix="mesh99-twice-") as folder:
        places = [Path(folder) / name for name in ("first", "second")]
        for place in places:
            place.mkdir()
        first, second = _both(places, scenario, seed, crypto, run_s, traced=False)
        if first == second:
            return Twice(digests=(first, second), difference=None)
        _both(places, scenario, seed, crypto, run_s, traced=True)
        difference = first_difference(places[0] / "first.trace", places[1] / "second.trace")
    return Twice(digests=(first, second), difference=difference)


def _both(
    places: list[Path], scenario: Scenario, seed: int, crypto: str, run_s: float, traced: bool
) -> tuple[str, str]:
    request = {"definition": write(scenario), "seed": seed, "crypto": crypto}
    with ThreadPoolExecutor(len(places)) as pool:
        runs = [
            pool.submit(
                _run, place, setting, request | {"trace": f"{place.name}.trace" if traced else None}, run_s
            )
            for place, setting in zip(places, SETTINGS, strict=True)
        ]
        first, second = (run.result() for run in runs)
    return first, second


def _run(place: Path, setting: Setting, request: dict[str, object], run_s: float) -> str:
    """Run in a process of its own and return the digest."""
    environment = {**os.environ, "PYTHONHASHSEED": setting.hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *setting.flags, "-m", "mesh99.simulations.replay.one_run"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request),
            env=environment,
            cwd=place,
            capture_output=True,
            text=True,
            timeout=run_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeadlineExceeded("end of a run", run_s) from None
    if done.returncode != 0:
        raise RuntimeError(f"a run ended with code {done.returncode}: {done.stderr.strip()[-2000:]}")
    digest: str = json.loads(done.stdout)["digest"]
    return digest
