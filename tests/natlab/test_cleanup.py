"""Nothing of a lab stays behind, however its owner ends, and labs leave each other alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import rules
from .check import DELAY_S, EXPECTED
from .guardian import NAMESPACES
from .lab import Lab
from .namespace import PREFIX
from .probe import probing

pytestmark = pytest.mark.network_namespaces
ROOT = Path(__file__).parents[2]
DEADLINE_S = 30.0


@contextmanager
def somebody_elses_lab() -> Iterator[subprocess.Popen[str]]:
    """Hold a lab of one site in another process."""
    command = [sys.executable, "-m", "tests.natlab", "up", "port", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert json.loads(owner.stdout.readline())
            yield owner
        finally:
            owner.kill()


def namespaces_of(owner: int) -> list[str]:
    return [path.name for path in NAMESPACES.glob(f"{PREFIX}-{owner}-*")]


def inhabitants(namespace: str) -> list[int]:
    done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=True)
    return [int(process) for process in done.stdout.split()]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_lab_leaves_nothing() -> None:
    with Lab(["port"], servers=1) as lab:
        assert namespaces_of(os.getpid())
        sleeper = lab.hosts[0].spawn(["sleep", "60"])
    assert namespaces_of(os.getpid()) == []
    assert sleeper.wait(DEADLINE_S) == -signal.SIGKILL


def test_a_lab_that_could_not_be_built_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no such rule")

    monkeypatch.setattr(rules, "ruleset", fail)
    with pytest.raises(RuntimeError), Lab(["port"]):
        pass
    assert namespaces_of(os.getpid()) == []


def test_what_a_killed_owner_left_goes_with_all_that_runs_in_it() -> None:
    with somebody_elses_lab() as owner:
        names = namespaces_of(owner.pid)
        host = next(name for name in names if name.endswith("-a"))
        # Not a child of the owner, so nothing but the guardian ends it.
        sleeper = subprocess.Popen(["ip", "netns", "exec", host, "sleep", "60"])
        wait_until(lambda: sleeper.pid in inhabitants(host))
        os.kill(owner.pid, signal.SIGKILL)
        assert sleeper.wait(DEADLINE_S) == -signal.SIGKILL
        wait_until(lambda: namespaces_of(owner.pid) == [])


def test_the_next_lab_removes_what_a_guardian_could_not() -> None:
    with somebody_elses_lab() as owner:
        command = Path("/proc", str(owner.pid), "task", str(owner.pid), "children").read_text().split()
        guardians = [
            child for child in command if b"guardian" in Path("/proc", child, "cmdline").read_bytes()
        ]
        assert len(guardians) == 1
        os.kill(int(guardians[0]), signal.SIGKILL)
    assert namespaces_of(owner.pid)
    with Lab([], servers=1):
        assert namespaces_of(owner.pid) == []


def test_labs_do_not_disturb_each_other() -> None:
    with somebody_elses_lab() as owner, Lab(["full"], servers=2, delay_s=DELAY_S) as one:
        with Lab(["sym"], servers=2, delay_s=DELAY_S) as two:
            for lab, kind in ((one, "full"), (two, "sym")):
                with probing(lab.hosts[0], lab.servers) as probe:
                    assert probe.behaviour() == EXPECTED[kind]
        with probing(one.hosts[0], one.servers) as probe:
            assert probe.behaviour() == EXPECTED["full"]
        assert namespaces_of(owner.pid)
