"""The results of a sweep on disk: one JSON line a run, only ever added to.

Whatever ends the program, complete lines are complete results. A last line that broke off is cut away when the file is
opened again; its run was not done. Lines are keyed, so that their order and a run that stands there twice mean nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Container
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ...wire.errors import ConfigError

FILE_NAME = "sweep.jsonl"


class ResultsFile:
    """Hold the results of runs, by key, in memory and in a file."""

    def __init__(self, path: Path, wanted: Container[str]) -> None:
        """Open or begin a file and read the results whose keys are wanted; raises ConfigError."""
        self.path = path
        self.results: dict[str, dict[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(wanted)
        except BlockingIOError as error:
            self._file.close()
            raise ConfigError(str(path), "is being written by another sweep") from error

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close the file, which also lets another sweep have it."""
        self._file.close()

    def add(self, record: dict[str, Any]) -> None:
        """Keep the result of a run; it is on disk when this returns."""
        self._file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.results[record["key"]] = record

    def _read(self, wanted: Container[str]) -> None:
        """Read complete lines; one that is damaged counts as not there, and its run is done again."""
        self._file.seek(0)
        complete = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(complete)
                break
            complete += len(line)
            record = _record(line)
            if record.get("key") in wanted:
                self.results[record["key"]] = record


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
