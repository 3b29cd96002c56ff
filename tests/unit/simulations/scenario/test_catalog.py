"""The scenarios that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.simulations.scenario.catalog import SHIPPED, load, shipped
from mesh99.simulations.scenario.reading import parse, write
from mesh99.wire.errors import ConfigError

NAMES = [
    *("censor", "churn", "eclipse", "flash-crowd", "join", "nat-mix", "partition", "registry-down"),
    *("relay-load", "rolling-upgrade", "slow-nodes", "steady", "sybil", "wan", "year"),
]


def test_the_fifteen_are_there_and_say_what_happens() -> None:
    assert list(shipped()) == NAMES
    assert all(about.endswith(".") for about in shipped().values())


@pytest.mark.parametrize("name", NAMES)
def test_each_has_its_files_name_and_says_what_must_come_out(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.expect
    assert parse(write(scenario)) == scenario


@pytest.mark.parametrize("name", NAMES)
def test_each_explains_itself(name: str) -> None:
    text = (SHIPPED / f"{name}.toml").read_text()
    assert text.count("\n#") >= 1


def test_nothing_is_expected_of_the_machine_that_runs_it() -> None:
    for name in NAMES:
        measured_outside = {"wall_s", "peak_rss_mb", "virtual_h_per_cpu_s"}
        assert not measured_outside & set(load(name).expect), name


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nabout = "Mine."')
    assert load(path) == load(str(path))
    assert load(path).name == "own"


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        load("jion")
    expected = (
        f'scenario: there is no "jion" (did you mean join?); there are {", ".join(NAMES)}, and any file'
    )
    assert str(caught.value).startswith(expected)
