"""How things are printed."""

from __future__ import annotations

import io
import json
import logging

import pytest

from mesh99.cli.command_status import duration
from mesh99.cli.failure import Failure
from mesh99.cli.output import Environment, decimal, printable, size


@pytest.fixture
def environment() -> Environment:
    return Environment(stdout=io.StringIO(), stderr=io.StringIO())


def out(environment: Environment) -> str:
    assert isinstance(environment.stdout, io.StringIO)
    return environment.stdout.getvalue()


def err(environment: Environment) -> str:
    assert isinstance(environment.stderr, io.StringIO)
    return environment.stderr.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("bell\x07", "bell\\x07"),
        ("c1\x9b31m", "c1\\x9b31m"),
        ("back\rwards", "back\\x0dwards"),
        ("\u202eevil", "\\x202eevil"),
        ("two\nlines\tkept", "two\nlines\tkept"),
    ],
)
def test_what_others_wrote_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_table_cuts_nothing_and_obeys_no_markup(environment: Environment) -> None:
    environment.table(("NAME", ">N"), [("[red]x[/red]" + "y" * 300, "1"), ("\x1b[2J", "22")])
    head, first, second = out(environment).splitlines()
    assert head.split() == ["NAME", "N"]
    assert "[red]x[/red]" + "y" * 300 in first
    assert "\\x1b[2J" in second
    assert first.index("1", 300) == second.index("22") + 1


def test_a_document_is_one_line_in_a_pipe(environment: Environment) -> None:
    environment.document({"a": [1, None], "b": "é\x1b\udcff"})
    assert out(environment).count("\n") == 1
    assert json.loads(out(environment)) == {"a": [1, None], "b": "é\x1b\udcff"}


def test_an_error_is_one_line(environment: Environment) -> None:
    environment.fail(Failure("first\nsecond", "do\nthis"))
    assert err(environment) == "error: first second\nhint: do this\n"
    assert out(environment) == ""


def test_data_is_passed_on_unchanged_in_a_pipe(environment: Environment) -> None:
    environment.line("\x1b[2J")
    assert out(environment) == "\x1b[2J\n"


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ({}, ["warning: w"]),
        ({"verbose": True}, ["news i", "warning: w"]),
        ({"debug": True}, ["news d", "news i", "warning: w", "Traceback (most recent call last):"]),
    ],
)
def test_logs_go_to_stderr_by_level(
    environment: Environment, flags: dict[str, bool], shown: list[str]
) -> None:
    for name, value in flags.items():
        setattr(environment, name, value)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        environment.log_to_stderr()
        log = logging.getLogger("mesh99.test")
        log.debug("news %s", "d")
        log.info("news i")
        try:
            raise OSError("detail")
        except OSError as error:
            log.warning("w", exc_info=error)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = err(environment).splitlines()
    assert lines[: len(shown)] == shown
    assert ("Traceback" in err(environment)) == bool(flags.get("debug"))
    assert out(environment) == ""


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_000, "1.2 MB"), (5 * 10**15, "5000.0 TB")],
)
def test_size(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text


def test_decimal() -> None:
    assert (decimal(None), decimal(0.126)) == ("-", "0.13")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (93784.5, "1 d 2 h"), (86401, "1 d 1 s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
