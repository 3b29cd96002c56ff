"""Keep what a run holds in pages of 2 MiB instead of 4 KiB, where the system can: Linux from 6.1 on.

Most of the time of a large run goes into waiting for memory: each packet touches hundreds of objects all over a
gigabyte. First the processor has to find out where the page of each is, and of small pages it remembers no more than
some megabytes' worth. Nothing of a run depends on this but how long it takes.

The system does it by itself at most for memory that is not in use yet; Python takes its own in pieces of 1 MiB and uses
each at once. So small pages are put together to large ones (madvise with MADV_COLLAPSE) when they are there.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PAGE_BYTES = 2 << 20
"""A large page of x86-64, and of 64-bit ARM with small ones of 4 KiB; elsewhere nothing comes of it."""

MADV_COLLAPSE = 25
"""From Linux's asm-generic/mman-common.h."""

MAPS = Path("/proc/self/maps")


class LargePages:
    """Put together what came since the last time."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._made = 0
        self._possible = sys.platform == "linux" and MAPS.exists()

    def gather(self) -> None:
        """Make large pages of new memory; a system that makes none is not asked again."""
        if self._possible:
            there = set(places(MAPS.read_text().splitlines()))
            self._made += sum(collapse(address) for address in sorted(there - self._seen))
            self._seen = there
            self._possible = self._made > 0 or not there


def places(maps: Iterable[str]) -> Iterator[int]:
    """Yield where large pages fit into the memory that objects are in, of the lines of /proc/self/maps."""
    for line in maps:
        span, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            begin, end = (int(address, 16) for address in span.split("-"))
            first = -(-begin // PAGE_BYTES) * PAGE_BYTES
            yield from range(first, end - PAGE_BYTES + 1, PAGE_BYTES)


def collapse(address: int) -> bool:
    """Put the small pages at an address together to a large one; false when the system does not."""
    words = ctypes.c_void_p(address), ctypes.c_size_t(PAGE_BYTES), ctypes.c_int(MADV_COLLAPSE)
    return bool(ctypes.CDLL(None).madvise(*words) == 0)
