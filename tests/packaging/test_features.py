"""docs/features.md is complete, and what it calls done is shown by a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "features.md"
ROWS_PER_PART = {"A": 17, "P": 21, "M": 24, "T": 17, "L": 8, "X": 6, "O": 5}
TEST_NAME = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Row(NamedTuple):
    feature_id: str
    feature: str
    shown_when: str
    state: str
    test: str


def _rows() -> list[Row]:
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
    return [Row(*(cell.strip() for cell in line.strip().removesuffix("|")[1:].split("|"))) for line in lines]


def test_every_feature_has_its_row_in_order() -> None:
    wanted = [f"{part}{n}" for part, count in ROWS_PER_PART.items() for n in range(1, count + 1)]
    assert [row.feature_id for row in _rows()] == wanted


def test_every_row_says_what_it_is_and_how_it_is_shown() -> None:
    for row in _rows():
        assert row.feature, row
        assert row.shown_when, row
        assert row.state in ("open", "done"), row


def test_every_done_row_names_tests_that_exist() -> None:
    for row in _rows():
        named = TEST_NAME.findall(row.test)
        assert bool(named) == (row.state == "done"), row
        for file, function in named:
            assert function in _functions(TESTS / file), f"{row.feature_id}: {file}::{function}"


def _functions(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
