"""The simulated disk: what a crash leaves of it."""

from __future__ import annotations

import pytest

from mesh99.simulations.disk import WRITE_BACK_S, Disk


def test_what_is_written_is_read_until_a_crash() -> None:
    disk = Disk()
    disk.write("a", b"1", 0.0)
    assert disk.read("a") == b"1"
    disk.lose_unsynced(1.0)
    assert disk.read("a") is None


def test_synced_data_survives_and_the_old_version_comes_back() -> None:
    disk = Disk()
    disk.write("a", b"1", 0.0)
    disk.sync(0.0)
    disk.write("a", b"2", 1.0)
    assert disk.read("a") == b"2"
    disk.lose_unsynced(2.0)
    assert disk.read("a") == b"1"


@pytest.mark.parametrize(("age_s", "kept"), [(WRITE_BACK_S - 0.1, None), (WRITE_BACK_S, b"1")])
def test_the_kernel_writes_back_what_is_old(age_s: float, kept: bytes | None) -> None:
    disk = Disk()
    disk.write("a", b"1", 5.0)
    disk.lose_unsynced(5.0 + age_s)
    assert disk.read("a") == kept


def test_a_version_that_was_written_back_is_the_one_a_crash_leaves() -> None:
    disk = Disk()
    disk.write("a", b"1", 0.0)
    disk.write("a", b"2", WRITE_BACK_S)
    disk.lose_unsynced(WRITE_BACK_S + 1)
    assert disk.read("a") == b"1"


def test_files_are_apart_and_a_new_disk_is_empty() -> None:
    disk = Disk()
    disk.write("a", b"1", 0.0)
    disk.sync(0.0)
    disk.write("b", b"2", 0.0)
    assert (disk.read("a"), disk.read("b"), disk.writes) == (b"1", b"2", 2)
    disk.wipe()
    assert (disk.read("a"), disk.read("b")) == (None, None)
