"""The disk of a simulated host: what was not synced when the power went is lost.

What a program writes lies in memory first. It is on the disk when the program says so (`sync`), or when the kernel
wrote it back. A file is written as a whole, as nodes do it (a new file that replaces the old one in one step), so after
a crash there is the old or the new one, never a torn one.
"""

from __future__ import annotations

from typing import NamedTuple

WRITE_BACK_S = 30.0
"""Age at which the kernel writes a page back: Linux's vm.dirty_expire_centisecs is 3000."""


class Version(NamedTuple):
    """One whole content of a file."""

    content: object
    written_at: float


class Disk:
    """Files by name; a content is any immutable object, so that a thousand hosts can share one."""

    __slots__ = ("_synced", "_unsynced", "writes")

    def __init__(self) -> None:
        self._synced: dict[str, Version] = {}
        self._unsynced: dict[str, Version] = {}
        self.writes = 0

    def write(self, name: str, content: object, now: float) -> None:
        """Replace a file; it lies in memory only until it is synced or written back."""
        self._write_back(now)
        self._unsynced[name] = Version(content, now)
        self.writes += 1

    def sync(self, now: float) -> None:
        """Bring all that was written to the disk."""
        self._write_back(now)
        self._synced.update(self._unsynced)
        self._unsynced.clear()

    def read(self, name: str) -> object | None:
        """Return what was last written, or None."""
        version = self._unsynced.get(name) or self._synced.get(name)
        return None if version is None else version.content

    def lose_unsynced(self, now: float) -> None:
        """Crash: go back to what is on the disk."""
        self._write_back(now)
        self._unsynced.clear()

    def wipe(self) -> None:
        """Lose everything: a new disk."""
        self._synced.clear()
        self._unsynced.clear()

    def _write_back(self, now: float) -> None:
        old = [name for name, version in self._unsynced.items() if now - version.written_at >= WRITE_BACK_S]
        for name in old:
            self._synced[name] = self._unsynced.pop(name)
