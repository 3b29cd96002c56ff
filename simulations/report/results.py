"""Find results: in files of one run, in files of a sweep (JSON lines), in folders of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...wire.errors import ConfigError
from ..outcome import Outcome
from .document import HINT, outcome_of, parse_json, read_text

LINES_SUFFIX = ".jsonl"
RESULT_SUFFIXES = (".json", LINES_SUFFIX)

RESULT_KEYS = ("digest", "figures", "definition")
"""A JSON file in a folder that holds none of these is something else, and passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Results, and what was left out of them."""

    runs: Sequence[Outcome]
    notes: Sequence[str]
    """What a person should know: lines that broke off, files that are no results."""


def read_results(paths: Sequence[Path]) -> Found:
    """Read all results of files and folders, each run once; ConfigError names the file that is none."""
    runs: dict[tuple[str, ...], Outcome] = {}
    notes: list[str] = []
    for path in paths:
        for run in _folder(path, notes) if path.is_dir() else _file(path, notes):
            runs.setdefault(_key(run), run)
    if not runs:
        names = ", ".join(str(path) for path in paths)
        raise ConfigError(names, "holds no results", HINT)
    return Found(runs=list(runs.values()), notes=notes)


def _key(run: Outcome) -> tuple[str, ...]:
    """Return what makes two copies of a run one: a sweep's folder holds its runs, and a file with all of them."""
    return run.scenario.name, str(run.scenario), str(run.seed), run.tier, run.crypto, run.code, run.digest


def _folder(folder: Path, notes: list[str]) -> Iterator[Outcome]:
    files = (path for path in folder.rglob("*") if path.suffix in RESULT_SUFFIXES and path.is_file())
    for path in sorted(files):
        if path.suffix == LINES_SUFFIX or _is_result(path, notes):
            yield from _file(path, notes)


def _is_result(path: Path, notes: list[str]) -> bool:
    document = parse_json(read_text(path), str(path))
    if isinstance(document, Mapping) and any(key in document for key in RESULT_KEYS):
        return True
    notes.append(f"{path} is no result, passed over")
    return False


def _file(path: Path, notes: list[str]) -> Iterator[Outcome]:
    text = read_text(path)
    if path.suffix == LINES_SUFFIX:
        yield from _lines(text, path, notes)
    else:
        yield outcome_of(parse_json(text, str(path)), str(path))


def _lines(text: str, path: Path, notes: list[str]) -> Iterator[Outcome]:
    """Read a result a line; a last line without its end was being written when the sweep was stopped."""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        source = f"{path} line {number}"
        if not line.endswith("\n"):
            notes.append(f"{source} broke off, passed over")
        elif line.strip():
            yield outcome_of(parse_json(line, source), source)
