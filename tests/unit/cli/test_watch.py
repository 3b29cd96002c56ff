"""`find --watch` and `get --watch`: a line for each change, and every way to end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mesh99.cli.client import Client
from mesh99.wire.errors import MeshError, QueueFull

FIND = ("find", "summarize", "--watch")
GET = ("get", "colour", "--watch")


@pytest.mark.usefixtures("node")
def test_a_person_reads_a_line_for_each_change(mesh99: Any) -> None:
    assert mesh99(*FIND).stdout.splitlines() == [
        "came  zq7w2b4c  writer  tags=de,fr version=2.1  udp://127.0.0.1:7400  tcp://127.0.0.1:7400",
        "gone  zq7w2b4c  writer  tags=de,fr version=2.1  udp://127.0.0.1:7400  tcp://127.0.0.1:7400",
    ]
    assert mesh99(*GET).stdout.splitlines() == ["came  zq7w2b4c  blue", "changed  zq7w2b4c  deep red"]


@pytest.mark.usefixtures("node")
def test_a_program_reads_an_object_for_each_change(mesh99: Any) -> None:
    came, gone = map(json.loads, mesh99("--json", *FIND).stdout.splitlines())
    assert (came["kind"], came["name"], gone["kind"]) == ("came", "writer", "gone")
    assert set(came) > {"node_id", "endpoints", "capabilities"}
    first, second = map(json.loads, mesh99(*GET, "--json").stdout.splitlines())
    assert first == {"kind": "came", "key": "colour", "value": "blue", "from": "zq7w2b4c" + "b" * 44}
    assert second["value"] == "deep\nred"


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("command", [FIND, GET], ids=" ".join)
def test_it_ends_when_the_node_does(mesh99: Any, command: tuple[str, ...]) -> None:
    result = mesh99(*command)
    assert result.exit_code == 3
    assert "has stopped" in result.stderr


@pytest.mark.parametrize("command", [FIND, GET], ids=" ".join)
@pytest.mark.parametrize(
    ("error", "exit_code"), [(QueueFull("keys listened to", 64), 1), (RuntimeError("a bug"), 70)]
)
def test_an_error_is_a_line_and_an_exit_code(
    mesh99: Any,
    failing: Callable[[MeshError], None],
    command: tuple[str, ...],
    error: Any,
    exit_code: int,
) -> None:
    failing(error)
    result = mesh99(*command)
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    "command",
    [("find", "--watch", ""), (*FIND, "--explain"), (*GET, "--explain")],
    ids=" ".join,
)
@pytest.mark.usefixtures("node")
def test_what_cannot_be_watched_is_wrong_usage(mesh99: Any, command: tuple[str, ...]) -> None:
    assert mesh99(*command).exit_code == 2


def test_no_node(mesh99: Any) -> None:
    assert mesh99(*FIND).exit_code == 3


def test_ctrl_c_ends_it_on_both_sides(home: Path, node: Any) -> None:
    node.watch_ends = False
    command = [sys.executable, "-m", "mesh99.cli.main", "--home", str(home), *GET]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == "came  zq7w2b4c  blue\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            assert process.stderr.read().lstrip() == "error: interrupted\n"
        finally:
            process.kill()
    assert node.watch_ended.wait(20), "the node goes on watching for nobody"


def test_a_reader_that_closes_ends_the_watch(home: Path, node: Any) -> None:
    node.watch_ends = False
    events = Client(home).watch("watch", capability="summarize")
    assert [next(events)["kind"] for _ in range(2)] == ["came", "gone"]
    events.close()  # type: ignore[attr-defined]
    assert node.watch_ended.wait(20)
    assert Client(home).call("status")["name"] == "reader", "it serves on"
