"""Churn from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.simulations.population.churn_trace import Change, ChurnTrace, read_changes
from mesh99.simulations.world import World
from mesh99.wire.errors import ConfigError


class Machine:
    """A host that remembers."""

    def __init__(self) -> None:
        self.up = True
        self.told: list[str] = []

    def start(self) -> None:
        self.up = True
        self.told.append("start")

    def stop(self, graceful: bool) -> None:
        self.up = False
        self.told.append("stop")

    def crash(self) -> None:
        self.up = False
        self.told.append("crash")


class Crowd:
    """A population of machines."""

    def __init__(self) -> None:
        self.new: list[Machine] = []

    def start_new(self) -> Machine:
        self.new.append(Machine())
        return self.new[-1]


def test_lines_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    file = tmp_path / "churn.txt"
    file.write_text("# seconds node direction\n\n7.5 2 down\n1 3 up\n")
    assert read_changes(file) == [Change(1.0, 3, True), Change(7.5, 2, False)]


@pytest.mark.parametrize("line", ["1 2", "x 2 up", "1 x up", "1 2 sideways", "-1 2 up", "nan 2 up", "1 0 up"])
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "churn.txt"
    file.write_text(f"1 1 up\n{line}\n")
    with pytest.raises(ConfigError, match="line 2") as caught:
        read_changes(file)
    assert caught.value.field == "churn.trace"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        read_changes(tmp_path / "nowhere.txt")


def test_hosts_do_as_the_file_says() -> None:
    world, crowd = World(1), Crowd()
    changes = [Change(1.0, 2, True), Change(2.0, 1, False), Change(3.0, 1, True), Change(4.0, 9, True)]
    hosts = [Machine(), Machine(), Machine()]
    world.run_until(100.0)
    ChurnTrace(world, crowd, changes).begin(hosts)  # type: ignore[arg-type]
    assert [host.up for host in hosts] == [True, False, True]
    world.run_until(103.5)
    assert [host.told for host in hosts] == [["crash", "start"], ["stop", "start"], []]
    assert crowd.new == []
    world.run_until(105.0)
    assert len(crowd.new) == 1
