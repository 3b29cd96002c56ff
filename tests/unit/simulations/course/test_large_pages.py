"""Memory is put into large pages as it comes, once each, and nothing is lost by it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mesh99.simulations.course import large_pages
from mesh99.simulations.course.large_pages import PAGE_BYTES, LargePages, places

HEAP = "7f0000100000-7f0000700000 rw-p 00000000 00:00 0 "
MORE = "7f0001000000-7f0001200000 rw-p 00000000 00:00 0 "
OTHERS = (
    "7f0002000000-7f0003000000 r-xp 00000000 08:01 4711 /usr/lib/libpython3.11.so",
    "7f0004000000-7f0005000000 rw-p 00000000 08:01 4711 /a file",
    "7f0006000000-7f0007000000 r--p 00000000 00:00 0 ",
    "7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0 [stack]",
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """Say what memory there is by `_there`, and note what the system is asked for."""
    asked: list[int] = []
    monkeypatch.setattr(large_pages, "MAPS", tmp_path / "maps")
    monkeypatch.setattr(large_pages, "collapse", lambda address: asked.append(address) or True)
    monkeypatch.setattr(sys, "platform", "linux")
    _there(HEAP)
    return asked


def _there(*maps: str) -> None:
    large_pages.MAPS.write_text("\n".join(maps))


def test_whole_large_pages_of_objects_count() -> None:
    first = 0x7F0000200000
    assert list(places([HEAP, *OTHERS])) == [first, first + PAGE_BYTES]


def test_each_place_is_asked_for_once_while_it_is_there(asked: list[int]) -> None:
    pages = LargePages()
    pages.gather()
    pages.gather()
    assert len(asked) == 2
    _there(HEAP, MORE)
    pages.gather()
    assert asked[2:] == [0x7F0001000000]
    _there(HEAP)
    pages.gather()
    _there(HEAP, MORE)
    pages.gather()
    assert asked[3:] == [0x7F0001000000]


def test_a_system_that_makes_none_is_not_asked_again(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_pages, "collapse", lambda address: asked.append(address) or False)
    pages = LargePages()
    pages.gather()
    _there(HEAP, MORE)
    pages.gather()
    assert len(asked) == 2


def test_other_systems_are_not_asked(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    LargePages().gather()
    assert asked == []


def test_what_is_in_memory_stays() -> None:
    blocks = [bytes([number % 256]) * 65_536 for number in range(200)]
    LargePages().gather()
    assert all(block == bytes([number % 256]) * 65_536 for number, block in enumerate(blocks))
