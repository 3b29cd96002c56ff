"""Files of runs that were put aside: what is refused, and how it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import structs
from outcomes import outcome

from mesh99.simulations.checkpoint import checkpoint
from mesh99.simulations.outcome import Outcome, RunOptions
from mesh99.simulations.run import resume, run_outcome
from mesh99.simulations.scenario.schema import Scenario
from mesh99.wire.errors import ConfigError


def _saved(path: Path, run: object = None) -> Path:
    checkpoint.save(
        run or {"a": [1, 2]}, path, scenario='name = "s"', seed=7, crypto="simulated", virtual_s=12.5
    )
    return path


def _with_header(path: Path, **changes: object) -> Path:
    magic, header, rest = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join((magic, json.dumps(json.loads(header) | changes).encode(), rest)))
    return path


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = _saved(tmp_path / "new folder" / "s.checkpoint")
    assert checkpoint.load(path) == {"a": [1, 2]}
    header = checkpoint.header_of(path)
    assert (header.scenario, header.seed, header.virtual_s, header.whole) == ('name = "s"', 7, 12.5, True)
    assert header.text == "goes on at 12.5 virtual seconds"
    assert [each.name for each in path.parent.iterdir()] == ["s.checkpoint"]


def test_a_run_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        _saved(tmp_path / "s.checkpoint", (number for number in [1]))
    assert list(tmp_path.iterdir()) == []


def test_another_version_is_refused_and_named(tmp_path: Path) -> None:
    path = _with_header(_saved(tmp_path / "s"), code="sources 0, python 2.7")
    with pytest.raises(ConfigError, match=r"another version .*python: recorded with 2\.7") as caught:
        checkpoint.load(path)
    assert caught.value.hint is not None


@pytest.mark.parametrize("kept", [0, 5, 40, -1])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, kept: int) -> None:
    path = _saved(tmp_path / "s")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ConfigError, match=f"^{path}"):
        checkpoint.load(path)


def test_damage_is_said(tmp_path: Path) -> None:
    path = _saved(tmp_path / "s", list(range(1000)))
    data = bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="is damaged"):
        checkpoint.load(path)


def test_a_missing_file_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file") as caught:
        checkpoint.load(tmp_path / "none")
    assert "--out" in str(caught.value.hint)


def test_it_lies_beside_the_result() -> None:
    assert checkpoint.beside(Path("out/churn-200-7.json")) == Path("out/churn-200-7.checkpoint")


def _start(path: Path, tier: str) -> Outcome:
    scenario = Scenario(name="s", about="s", tier=tier)  # type: ignore[arg-type]
    interrupted = outcome(scenario=scenario, tier=tier, interrupted=True)
    checkpoint.save_start(interrupted, path)
    return interrupted


def test_runs_that_cannot_be_written_start_again(tmp_path: Path) -> None:
    interrupted = _start(tmp_path / "s", "agents")
    header = checkpoint.header_of(tmp_path / "s")
    assert not header.whole
    assert "again from its start" in header.text
    assert checkpoint.start_of(header, tmp_path / "s") == interrupted.scenario


def test_going_on_makes_such_a_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario(name="s", about="s", tier="agents")
    made: list[tuple[Scenario, int, str]] = []

    def run(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
        made.append((scenario, seed, options.crypto))
        return outcome(scenario=scenario, seed=seed, crypto=options.crypto, interrupted=len(made) == 1)

    monkeypatch.setattr("mesh99.simulations.run._runner", lambda tier: run)
    path = tmp_path / "s.checkpoint"
    assert run_outcome(scenario, 5, RunOptions(crypto="real", checkpoint=path)).interrupted
    assert not resume(path, RunOptions()).interrupted
    assert made == [(scenario, 5, "real")] * 2


def test_real_processes_cannot_go_on(tmp_path: Path) -> None:
    _start(tmp_path / "s", "processes")
    with pytest.raises(ConfigError, match="real processes cannot go on"):
        checkpoint.start_of(checkpoint.header_of(tmp_path / "s"), tmp_path / "s")


def test_a_start_of_another_version_is_refused(tmp_path: Path) -> None:
    _start(tmp_path / "s", "agents")
    header = checkpoint.header_of(_with_header(tmp_path / "s", code="sources 0"))
    with pytest.raises(ConfigError, match="another version"):
        checkpoint.start_of(header, tmp_path / "s")


def test_only_the_run_that_was_asked_for_goes_on(tmp_path: Path) -> None:
    interrupted = _start(tmp_path / "s", "agents")
    path, scenario = tmp_path / "s", interrupted.scenario
    assert "again from its start" in checkpoint.going_on(path, scenario, "simulated")
    with pytest.raises(ConfigError, match="other settings"):
        checkpoint.going_on(path, structs.replace(scenario, about="Another."), "simulated")
    with pytest.raises(ConfigError, match="--crypto simulated, not real"):
        checkpoint.going_on(path, scenario, "real")
