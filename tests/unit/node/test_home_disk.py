"""The home directory as a node's disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.node.home_disk import HomeDisk


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    disk = HomeDisk(tmp_path)
    assert disk.read("contacts.json", 100) is None
    disk.replace("contacts.json", b"first, and long")
    disk.replace("contacts.json", b"second")
    assert disk.read("contacts.json", 100) == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["contacts.json"], "nothing else is left"


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    disk = HomeDisk(tmp_path)
    disk.replace("file", bytes(1000))
    assert disk.read("file", 10) == bytes(10)


def test_what_the_system_refuses_is_an_error(tmp_path: Path) -> None:
    gone = HomeDisk(tmp_path / "gone")
    with pytest.raises(OSError, match="gone"):
        gone.replace("file", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        HomeDisk(tmp_path).read("folder", 10)


def test_it_is_named_by_its_directory(tmp_path: Path) -> None:
    assert str(HomeDisk(tmp_path)) == str(tmp_path)
