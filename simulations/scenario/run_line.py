"""The command that makes a run: its scenario by name or file, and in what it differs from the one of that name."""

from __future__ import annotations

import shlex

from .catalog import load, shipped
from .differences import changes_between
from .schema import Scenario


def run_line(scenario: Scenario, seed: int, crypto: str = "simulated") -> str:
    """Return the command line that runs a scenario."""
    words = ["mesh99", "sim", "run", *_arguments(scenario), "--seed", str(seed)]
    if crypto == "real":
        words += ["--crypto", "real"]
    return shlex.join(words)


def _arguments(scenario: Scenario) -> list[str]:
    """Name a scenario: as a shipped one and what was changed in it, or as a file."""
    if scenario.name not in shipped():
        return [f"{scenario.name}.toml"]
    changes = changes_between(load(scenario.name), scenario)
    nodes = changes.pop("population.nodes", None)
    words = [scenario.name] if nodes is None else [scenario.name, "--nodes", nodes]
    for key, text in changes.items():
        words += ["--set", f"{key}={text}"]
    return words
