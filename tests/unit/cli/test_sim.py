"""`mesh99 sim`: what reaches the simulator, and what is printed of its outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import mesh99.simulations
from mesh99.wire.errors import ConfigError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def run_scenario(name: str, **options: Any) -> dict[str, Any]:
        calls.append((name, options))
        if name == "nosuch":
            raise ConfigError("scenario", "there is no 'nosuch'", "one of: join")
        return {
            "digest": "d1",
            "scenario": name,
            "seed": options["seed"],
            "figures": {"nodes": 9, "wall_s": 0.5},
        }

    monkeypatch.setattr(mesh99.simulations, "run_scenario", run_scenario)
    monkeypatch.setattr(mesh99.simulations, "scenarios", lambda: {"join": "Nodes join."})
    return calls


def test_list(document: Callable[..., Any], mesh99: Any, asked: list[Any]) -> None:
    assert document("sim", "list") == [{"scenario": "join", "description": "Nodes join."}]
    assert "Nodes join." in mesh99("sim", "list").stdout


def test_run(document: Callable[..., Any], mesh99: Any, asked: list[Any]) -> None:
    outcome = document("sim", "run", "join", "--nodes", "9", "--seed", "7", "--hours", "0.5")
    assert (outcome["digest"], outcome["seed"], outcome["figures"]["nodes"]) == ("d1", 7, 9)
    assert asked == [("join", {"nodes": 9, "seed": 7, "hours": 0.5, "progress": None})]
    assert "d1" in mesh99("sim", "run", "join").stdout


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("arguments", [("nosuch",), ("join", "--nodes", "1"), ("join", "--hours", "0"), ()])
def test_wrong_usage(mesh99: Any, arguments: tuple[str, ...]) -> None:
    result = mesh99("sim", "run", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
