"""A person can change a lab that stands, from the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .check import DELAY_S
from .console import Console
from .lab import Lab
from .test_control import Line

pytestmark = pytest.mark.network_namespaces
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(["port", "port"], servers=2, delay_s=DELAY_S) as built:
        yield built


def test_words_change_the_lab(lab: Lab) -> None:
    console, line = Console(lab), Line(lab.hosts[0], lab.servers[0])
    try:
        before = line.out()
        assert before
        assert line.back(before)
        assert console.obey("reboot a") == "a has lost its mappings"
        assert not line.back(before)
        assert console.obey("renumber a").startswith("a is 20.10.1.1 now")
        after = line.out()
        assert after
        assert after[0] == "20.10.1.1"
        assert "20.10.1.1" in console.obey("show")
        console.obey("cut a server1")
        assert not line.out()
        console.obey("heal a server1")
        assert line.out()
        console.obey("loss 1")
        assert not line.out()
        console.obey("loss 0")
        assert console.obey("delay 2") == "a round trip takes 8 ms"
    finally:
        line.close()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("", ""),
        ("jump", "no such word: 'jump'; `help` lists them"),
        ("reboot z", "not understood: no such site: 'z'"),
        ("delay much", "not understood: could not convert string to float: 'much'"),
    ],
)
def test_what_is_not_understood_changes_nothing(lab: Lab, line: str, answer: str) -> None:
    assert Console(lab).obey(line) == answer
    assert Console(lab).obey("reboot").startswith("not understood:")


def test_a_person_drives_a_lab_from_a_shell() -> None:
    command = [sys.executable, "-m", "tests.natlab", "up", "port", "--servers", "1"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        try:
            assert owner.stdin is not None
            assert owner.stdout is not None
            while "help" not in owner.stdout.readline():
                assert owner.poll() is None
            owner.stdin.write("renumber a\nreboot a\n")
            owner.stdin.flush()
            assert owner.stdout.readline() == "a is 20.10.1.1 now\n"
            assert owner.stdout.readline() == "a has lost its mappings\n"
        finally:
            owner.kill()
