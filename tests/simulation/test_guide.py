"""The worked example of docs/simulations.md does what the guide says, step by step."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mesh99.cli.main import main

GUIDE = (Path(__file__).parents[2] / "docs" / "simulations.md").read_text()


def block(language: str, begins: str) -> str:
    """Return the code of the guide that begins so."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    (found,) = (body for body in blocks if body.startswith(begins))
    return str(found)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cut-cable.toml").write_text(block("toml", 'name = "cut-cable"'))
    return tmp_path


def test_the_example_runs_and_its_figures_are_those_that_are_told(folder: Path) -> None:
    result = CliRunner().invoke(main, ["sim", "run", "cut-cable.toml", "--out", "results", "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)["figures"]
    assert 0.75 <= figures["lookup_success"] < 1
    assert 0 <= figures["heal_s"] <= 60

    result = CliRunner().invoke(main, ["sim", "report", "results", "--out", "report.html"])
    assert result.exit_code == 0, result.output
    assert "Everything held" in (folder / "report.html").read_text()


def test_too_much_asked_is_a_failure_with_its_line(folder: Path) -> None:
    line = ["sim", "run", "cut-cable.toml", "--set", "expect.lookup_success=>= 0.999"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 1
    failed, error, _ = result.stderr.splitlines()
    assert failed.startswith("failed: lookup_success: ")
    assert "replay it: mesh99 sim run cut-cable.toml --set 'expect.lookup_success=>= 0.999' --seed 1" in error


def test_the_program_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(block("python", "from mesh99.simulations import run_scenario"), {})
    success, digest, failures = capsys.readouterr().out.split(maxsplit=2)
    assert 0.5 < float(success) <= 1
    assert len(digest) == 64
    assert failures.strip() == "()"
