"""The scenario `join`: everybody joins, every lookup finds the nearest node, and a seed fixes every byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mesh99.simulations import run_scenario, scenarios
from mesh99.simulations.run import replay_line
from mesh99.simulations.scenario_join import Join
from mesh99.wire.errors import ConfigError

A_MINUTE = 1 / 60

IN_A_PROCESS = """
import json, sys
from mesh99.simulations import run_scenario
print(json.dumps(run_scenario("join", nodes=int(sys.argv[1]), seed=int(sys.argv[2]))))
"""


def _digest_in_a_process(nodes: int, seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-c", IN_A_PROCESS, str(nodes), str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{replay_line('join', nodes, seed)}"
    return str(json.loads(done.stdout)["digest"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_hundred_nodes_join_and_every_lookup_finds_the_nearest_node() -> None:
    figures = run_scenario("join", nodes=200, seed=7, hours=A_MINUTE)["figures"]
    told = f"{figures}\n{replay_line('join', 200, 7, A_MINUTE)}"
    assert figures["joined"] == 199, told
    assert figures["lookups"] >= 50, told
    assert figures["lookup_success"] == 1.0, told


@pytest.mark.timeout(300)
def test_a_seed_fixes_every_byte_in_any_process() -> None:
    here = run_scenario("join", nodes=30, seed=7)["digest"]
    with ThreadPoolExecutor(max_workers=2) as pool:
        cases = [(30, 7, "1"), (30, 7, "2"), (30, 8, "1")]
        first, again, other_seed = pool.map(lambda case: _digest_in_a_process(*case), cases)
    assert here == first == again, replay_line("join", 30, 7)
    assert other_seed != first


def test_an_error_in_a_run_says_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(Join, "_start", fail)
    with pytest.raises(RuntimeError) as caught:
        run_scenario("join", nodes=5, seed=3)
    assert "mesh99 sim run join --nodes 5 --seed 3" in caught.value.__notes__[0]


def test_progress_is_told_and_ends_at_the_end() -> None:
    told: list[tuple[float, float]] = []
    figures = run_scenario(
        "join", nodes=3, seed=1, hours=A_MINUTE, progress=lambda done, total: told.append((done, total))
    )["figures"]
    assert told == sorted(told)
    assert told[-1] == (60.0, 60.0)
    assert figures["virtual_s"] == 60.0


def test_every_scenario_says_what_it_does() -> None:
    assert "join" in scenarios()
    assert all(text.endswith(".") for text in scenarios().values())


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "none", "nodes": 10}, "scenario"),
        ({"name": "join", "nodes": 1}, "nodes"),
        ({"name": "join", "nodes": 1 << 24}, "nodes"),
        ({"name": "join", "nodes": 10, "hours": 0.0}, "hours"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_scenario(**arguments, seed=1)  # type: ignore[arg-type]
    assert caught.value.field == field
