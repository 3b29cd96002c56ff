"""A node's home directory as its disk: a few small files, each replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path


class HomeDisk:
    """Read and replace files in one directory; raises OSError."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def read(self, name: str, size_bytes_max: int) -> bytes | None:
        """Return the first bytes of a file, or None when there is no such file."""
        try:
            with (self._home / name).open("rb") as file:
                return file.read(size_bytes_max)
        except FileNotFoundError:
            return None

    def replace(self, name: str, data: bytes) -> None:
        """Write a file so that a crash of the process leaves the old or the new one."""
        temporary = self._home / f"{name}.{os.getpid()}.new"
        temporary.write_bytes(data)
        temporary.replace(self._home / name)

    def __str__(self) -> str:
        return str(self._home)
