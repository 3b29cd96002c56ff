"""Real processes: registries and nodes as a person starts them, and commands that ask them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

MESH99 = [sys.executable, "-P", "-m", "mesh99.cli.main"]
READY_S = 60.0  # a loaded machine stalls for seconds; a passing run waits for none of this
T = TypeVar("T")


class Running:
    """One `mesh99 ... --json` that runs until it is stopped; `ready` is the line it printed."""

    def __init__(self, errors: Path, *arguments: str, cwd: Path | None = None) -> None:
        self.errors = errors
        with errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*MESH99, "--json", *arguments], stdout=subprocess.PIPE, stderr=stderr, cwd=cwd, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            pytest.fail(f"{arguments} did not start: {errors.read_text()}")
        self.ready: dict[str, Any] = json.loads(line)

    def stop(self) -> int:
        """End it as a person does; by force if it does not end."""
        if self.process.poll() is None:
            self.process.terminate()
        return self._ended()

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


class Agent(Running):
    """A running node and the commands that ask it."""

    def __init__(self, home: Path, *arguments: str, cwd: Path | None = None) -> None:
        self.home = home
        super().__init__(home.with_suffix(".stderr"), "--home", str(home), "up", *arguments, cwd=cwd)
        self.node_id: str = self.ready["node_id"]
        self.udp: str = next(text for text in self.ready["endpoints"] if text.startswith("udp:"))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against it."""
        command = [*MESH99, "--home", str(self.home), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=READY_S)

    def ask(self, *arguments: str) -> Any:
        """Run a command that must succeed, and return its document."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)


class Place:
    """Starts what a test wants and stops it all at the end, by its id."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.started: list[Running] = []

    def registry(self, *arguments: str, listen: str = "127.0.0.1:0") -> Running:
        """Start a registry, on any free port unless one is given."""
        errors = self.directory / f"registry{len(self.started)}.stderr"
        return self._keep(Running(errors, "registry", "serve", "--listen", listen, *arguments))

    def relay(self, *arguments: str) -> Running:
        """Start a TURN server."""
        errors = self.directory / f"relay{len(self.started)}.stderr"
        return self._keep(Running(errors, "relay", "serve", *arguments))

    def agent(self, name: str, *arguments: str, cwd: Path | None = None) -> Agent:
        """Start a node on loopback; a second one of the same name comes back to the same home."""
        listen = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
        return self._keep(Agent(self.directory / name, "--name", name, *listen, *arguments, cwd=cwd))

    def close(self) -> None:
        """Stop everything that still runs."""
        for running in self.started:
            with suppress(subprocess.TimeoutExpired):
                running.stop()

    def _keep(self, running: T) -> T:
        assert isinstance(running, Running)
        self.started.append(running)
        return running


def wait_until(what: str, condition: Callable[[], T | None]) -> T:
    """Wait until the condition gives something, and return it."""
    deadline = time.monotonic() + READY_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {READY_S:g} s: {what}")
        time.sleep(0.1)


@pytest.fixture
def until() -> Callable[[str, Callable[[], T | None]], T]:
    """Give a test `until(what, condition)`."""
    return wait_until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Give a test a place for its own processes."""
    found = Place(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a module's tests a place for processes that they share."""
    found = Place(tmp_path_factory.mktemp("place"))
    yield found
    found.close()
