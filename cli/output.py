"""What a command knows of its surroundings and how it speaks: data on stdout, everything else on stderr.

Colour and moving things only on a terminal, none with NO_COLOR (rich sees to both). Text that came from
other agents goes through `printable`: a name must not be able to steer the reader's terminal.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from .failure import Failure

PLAIN_WIDTH = 1000  # columns of a table that a program reads: nothing is cut or wrapped
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

LARGE_UNITS = ("kB", "MB", "GB", "TB")


@dataclass
class Environment:
    """The options every command has, and the two streams."""

    home: Path = field(default_factory=lambda: Path.home() / ".mesh99")
    as_json: bool = False
    debug: bool = False
    verbose: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)

    def result(self, document: Any, view: Callable[[], None]) -> None:
        """Print what was asked for: the document with --json, else what `view` prints of it."""
        if self.as_json:
            self.document(document)
        else:
            view()

    def event(self, document: Any, text: str) -> None:
        """Print one of many results, on a line of its own: the document with --json, else the text."""
        if self.as_json:
            self.document(document, one_line=True)
        else:
            self.line(" ".join(text.splitlines()))

    def document(self, document: Any, *, one_line: bool = False) -> None:
        """Print one JSON document; readable on a terminal, one line elsewhere."""
        indent = 2 if self.stdout.isatty() and not one_line else None
        print(json.dumps(document, indent=indent), file=self.stdout, flush=True)

    def line(self, text: str) -> None:
        """Print one line of data."""
        print(printable(text) if self.stdout.isatty() else text, file=self.stdout, flush=True)

    def note(self, text: str) -> None:
        """Tell a person something that is not data."""
        print(printable(text), file=self.stderr, flush=True)

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Print names and values, one a line."""
        console = self.console()
        rows = list(pairs)
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            console.print(f"{name:<{width}}  ", style="bold", end="")
            console.print(printable(value), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print rows; a column whose title begins with `>` is set to the right."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for title in columns:
            table.add_column(title.lstrip(">"), justify="right" if title.startswith(">") else "left")
        for row in rows:
            table.add_row(*(printable(cell) for cell in row))
        self.console().print(table)

    def console(self, *, errors: bool = False) -> Console:
        """Return a rich console on stdout, or on stderr."""
        from rich.console import Console

        stream = self.stderr if errors else self.stdout
        width = None if stream.isatty() else PLAIN_WIDTH
        return Console(
            file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=width is not None
        )

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show on a terminal that something takes its time."""
        if self.as_json or not self.stderr.isatty():
            yield
            return
        with self.console(errors=True).status(what):
            yield

    @contextmanager
    def countdown(self, what: str, duration_s: float) -> Iterator[None]:
        """Show on a terminal how much of a known time has passed."""
        if self.as_json or not self.stderr.isatty():
            yield
            return
        from .progress_bars import countdown

        with countdown(self.console(errors=True), what, duration_s):
            yield

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[float, float], None] | None]:
        """Yield a function to call with what is done and what is to do; None where no terminal shows it."""
        if self.as_json or not self.stderr.isatty():
            yield None
            return
        from .progress_bars import counted

        with counted(self.console(errors=True), what) as tell:
            yield tell

    def fail(self, failure: Failure) -> None:
        """Print `error: ...` and `hint: ...`."""
        self._labelled("error", "bold red", str(failure))
        if failure.hint:
            self._labelled("hint", "bold cyan", failure.hint)

    def warn(self, text: str) -> None:
        """Print `warning: ...`."""
        self._labelled("warning", "bold yellow", text)

    def _labelled(self, label: str, style: str, text: str) -> None:
        line = " ".join(printable(text).split())
        if not self.stderr.isatty():
            print(f"{label}: {line}", file=self.stderr, flush=True)
            return
        console = self.console(errors=True)
        console.print(f"{label}: ", style=style, end="")
        console.print(line, soft_wrap=True)

    def log_to_stderr(self) -> None:
        """Let the node's own messages through: warnings, with -v also news, with --debug all."""
        handler = _LogLines(self)
        level = logging.DEBUG if self.debug else logging.INFO if self.verbose else logging.WARNING
        logging.basicConfig(level=level, handlers=[handler], force=True)


class _LogLines(logging.Handler):
    """Print log records as plain lines; traces only with --debug."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self.environment = environment

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.environment.warn(record.getMessage())
        else:
            self.environment.note(record.getMessage())
        if self.environment.debug and record.exc_info:
            self.environment.note(logging.Formatter().formatException(record.exc_info))


def printable(text: str) -> str:
    """Return text with control characters (escape sequences, direction marks) shown instead of obeyed."""
    return CONTROL_CHARACTERS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def short(node_id: str) -> str:
    """Return the short form of a node id: what people read aloud, and every PEER accepts."""
    return node_id[:8]


def decimal(value: float | None) -> str:
    """Return a measured number with two places, `-` when there is none."""
    return "-" if value is None else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """Return a time span as people read it: `5 s`, `3 min`, `2 h`, `-` when there is none."""
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def size(size_bytes: int) -> str:
    """Return a size as people read it: `999 B`, `1.2 kB`, `3.4 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value, unit = size_bytes / 1e3, 0
    while value >= 1000 and unit < len(LARGE_UNITS) - 1:
        value, unit = value / 1e3, unit + 1
    return f"{value:.1f} {LARGE_UNITS[unit]}"
