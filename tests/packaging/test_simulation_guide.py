"""docs/simulations.md is true: its reference is that of the classes, its commands exist, its figures are known."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from scenario_reference import DOCUMENT, END, with_reference

from mesh99.cli.main import main
from mesh99.simulations.adversaries import KINDS
from mesh99.simulations.report.figures import MEANINGS
from mesh99.simulations.scenario.catalog import shipped
from mesh99.simulations.scenario.reading import parse
from mesh99.simulations.scenario.schema import Fault
from mesh99.simulations.scenario.shape import keys_of

TEXT = DOCUMENT.read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)


def table(head: str) -> list[list[str]]:
    """Return the rows of the table that begins with such a head."""
    rows = TEXT.split(head)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_the_reference_is_that_of_the_classes() -> None:
    told = "run: python tests/support/scenario_reference.py"
    assert with_reference(TEXT) == TEXT, told
    assert TEXT.count(END) == 1


def test_every_scenario_figure_and_adversary_is_told() -> None:
    assert {name for name, _ in table("| scenario | the question |")} == set(shipped())
    assert dict(table("| figure | meaning |")) == MEANINGS
    assert {name for name, _ in table("| kind | what its nodes do |")} == set(KINDS)


def test_every_kind_of_fault_is_told() -> None:
    told = [name for names, _ in table("| kind | what happens to a node |") for name in names.split("`, `")]
    assert set(told) == set(keys_of(Fault)["kind"].kind.values)  # type: ignore[attr-defined]


def commands() -> list[str]:
    """Return every `mesh99 sim ...` of the guide, in blocks and in text."""
    blocks = [body.replace("\\\n", "") for language, body in BLOCKS if language == "sh"]
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    texts = re.findall(r"`(mesh99 sim [^`]*)`", TEXT)
    return [line for line in [*lines, *texts] if line.startswith("mesh99 sim")]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_guide_is_one(line: str) -> None:
    context = click.Context(main)
    group = main.get_command(context, "sim")
    assert isinstance(group, click.Group)
    name, *arguments = shlex.split(line)[2:]
    command = group.get_command(context, name)
    assert command is not None
    # Only what the words are is asked here, not whether the files are there.
    command.make_parser(click.Context(command)).parse_args(arguments)


def test_every_scenario_of_the_guide_can_be_read() -> None:
    tomls = [body for language, body in BLOCKS if language == "toml"]
    assert len(tomls) >= 2
    for body in tomls:
        head = "" if body.startswith("name") else 'name = "x"\nabout = "y"\n'
        parse(head + body)


def test_the_pictures_are_there_and_small() -> None:
    pictures = [DOCUMENT.parent / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)]
    assert len(pictures) >= 3
    assert [path for path in pictures if not 10_000 < path.stat().st_size < 150_000] == []
    assert {path.name for path in pictures} <= {
        path.name for path in Path(DOCUMENT.parent / "images").iterdir()
    }
