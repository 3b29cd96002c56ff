"""A planted bug (contacts are never evicted) is caught by an invariant, replayed from its line, and shrunk.

The bug is planted in a process of its own, which does what a person would do at a shell.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mesh99.simulations.run import run_scenario
from mesh99.simulations.scenario.catalog import load
from mesh99.simulations.scenario.changes import with_changes

BUG = """
from mesh99.dht.table import RoutingTable

def failed(self, node_id):
    entry = self.find(node_id)
    if entry is not None:
        entry.failures += 1
    return False

RoutingTable.failed = failed

from mesh99.cli.main import main
main()
"""

NODES = 16
HOURS = 0.6
RUN = f"churn --nodes {NODES} --hours {HOURS} --seed 7 --set churn.session.scale=15m --set population.start=join"


def _mesh99(line: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Run a command of the program that has the bug; return its exit code and what it printed."""
    command = [sys.executable, "-c", BUG, *shlex.split(line), "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


@pytest.mark.timeout(300)
def test_it_is_caught_replayed_and_shrunk_to_ten_nodes(tmp_path: Path) -> None:
    code, caught = _mesh99(f"sim run {RUN} --out {tmp_path}", tmp_path)
    (failure,) = caught["failures"]
    assert code == 1
    assert failure["check"] == "dead-contacts"
    assert "still in the table" in failure["message"]

    # The printed line alone.
    code, again = _mesh99(caught["replay"].removeprefix("mesh99 "), tmp_path)
    assert code == 1
    assert (again["digest"], again["failures"]) == (caught["digest"], caught["failures"])

    # The recorded result, explained.
    (result,) = tmp_path.glob("*.json")
    code, replayed = _mesh99(f"sim replay {result}", tmp_path)
    assert (code, replayed["same"]) == (0, True)
    assert any(f"node {failure['node']} " in line for line in replayed["last"])
    assert replayed["causes"]

    code, shrunk = _mesh99(f"sim shrink {result} --out {tmp_path}", tmp_path)
    assert code == 0
    assert shrunk["nodes"] <= 10
    assert shrunk["minimal"]
    assert shrunk["duration_s"] < HOURS * 3600
    assert shrunk["failure"]["check"] == "dead-contacts"
    assert Path(shrunk["path"]).read_text() == shrunk["definition"]

    code, small = _mesh99(shrunk["replay"].removeprefix("mesh99 "), tmp_path)
    assert code == 1
    assert [each["check"] for each in small["failures"]] == ["dead-contacts"]
    assert small["failures"][0]["message"] == shrunk["failure"]["message"]


@pytest.mark.timeout(120)
def test_without_the_bug_nothing_is_caught() -> None:
    changes = {"churn.session.scale": "15m", "population.start": "join"}
    outcome = run_scenario(with_changes(load("churn"), changes), nodes=NODES, hours=HOURS, seed=7)
    assert [failure for failure in outcome.failures if failure.check == "dead-contacts"] == []
