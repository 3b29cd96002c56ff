"""The command line itself: help, options, exit codes, colour."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from mesh99.cli.main import COMMANDS, main
from mesh99.cli.output import Environment


def run_process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mesh99.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | variables, timeout=60)


def test_help_lists_every_command_with_a_line() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    listed = dict(line.split(maxsplit=1) for line in result.stdout.split("Commands:")[1].strip().splitlines())
    assert tuple(listed) == COMMANDS
    assert all(len(text) > 10 for text in listed.values())


def all_commands() -> list[tuple[str, ...]]:
    context = click.Context(main)
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        leaves = command.list_commands(context) if isinstance(command, click.Group) else [""]
        found += [(name, leaf) if leaf else (name,) for leaf in leaves]
    return found


@pytest.mark.parametrize("command", all_commands(), ids=" ".join)
def test_every_command_has_help_and_the_common_options(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert all(option in result.stdout for option in ("--home", "--json", "--debug"))


def test_help_and_questions_load_nothing_heavy(tmp_path: Path) -> None:
    source = (
        "import sys; from mesh99.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'aiohttp', 'asyncio', 'rich', 'nacl', 'cryptography', 'msgspec', 'mesh99.node.node'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    for arguments in (["--help"], ["sim", "run", "--help"], ["--home", str(tmp_path), "status"]):
        done = subprocess.run([sys.executable, "-c", source, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["nosuch"], ["--nosuch"], ["status", "extra"], ["keys", "nosuch"]])
def test_wrong_usage(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: no such") or "unexpected" in error
    assert hint.startswith("hint: mesh99 ")


@pytest.mark.parametrize("arguments", [[], ["keys"]])
def test_no_command_shows_the_help_on_stderr(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Commands:" in result.stderr


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("mesh99 0.")


@pytest.mark.usefixtures("node")
def test_home_is_taken_from_either_place_and_from_the_environment(home: Path) -> None:
    for arguments, variables in (
        (["--home", str(home), "status", "--json"], {}),
        (["status", "--json", "--home", str(home)], {}),
        (["--home", "/nonexistent", "status", "--json", "--home", str(home)], {}),
        (["status", "--json"], {"MESH99_HOME": str(home)}),
    ):
        result = CliRunner().invoke(main, arguments, env=variables)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["name"] == "reader"


def command_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("mesh99.cli.command_status.Client", fail)


@pytest.mark.parametrize(
    ("error", "exit_code", "text"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (ZeroDivisionError("by zero"), 70, "error: internal error: ZeroDivisionError: by zero\nhint: "),
    ],
)
def test_other_ends(monkeypatch: pytest.MonkeyPatch, error: BaseException, exit_code: int, text: str) -> None:
    command_that_raises(monkeypatch, error)
    result = CliRunner().invoke(main, ["status"])
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    command_that_raises(monkeypatch, ZeroDivisionError("by zero"))
    result = CliRunner().invoke(main, ["status", "--debug"])
    assert result.exit_code == 70
    assert "Traceback" in result.stderr
    assert "error: internal error" in result.stderr


def test_a_closed_pipe_is_no_trace(node: Any, home: Path) -> None:
    command = f"{sys.executable} -m mesh99.cli.main --home {home} peers | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("N", "")


class Terminal:
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, show: Callable[[Environment], None], **variables: str) -> str:
    for name, value in {"TERM": "xterm-256color", **variables}.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    show(Environment(stdout=terminal, stderr=terminal))  # type: ignore[arg-type]
    return terminal.text


SHOWS: list[Callable[[Environment], None]] = [
    lambda environment: environment.warn("careful"),
    lambda environment: environment.table(("A", ">B"), [("x", "1")]),
    lambda environment: environment.fields([("name", "x")]),
]


@pytest.mark.parametrize("show", SHOWS)
def test_colour_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, show: Callable[[Environment], None]
) -> None:
    assert "\x1b[" in drawn(monkeypatch, show)


@pytest.mark.parametrize("show", SHOWS)
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, show: Callable[[Environment], None]) -> None:
    drawing = drawn(monkeypatch, show, NO_COLOR="1")
    assert drawing
    # NO_COLOR forbids colours; bold is none.
    assert not any(f"\x1b[{code}" in drawing for code in ("3", "4", "9", "38", "1;3", "1;9"))


def test_no_colour_in_a_pipe(home: Path) -> None:
    done = run_process("--home", str(home), "status")
    assert done.returncode == 3
    assert "\x1b" not in done.stdout + done.stderr
