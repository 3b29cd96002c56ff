"""The identity on disk: made once, private, whole or not there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from mesh99.wire import identity_file
from mesh99.wire.errors import ConfigError
from mesh99.wire.identity import Identity
from mesh99.wire.identity_file import FILE_NAME, load_or_create

HEAD = b"mesh99 ed25519 seed\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "home"


def refused(home: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_or_create(home, os.urandom)
    assert caught.value.hint
    return caught.value


def test_is_made_once_and_found_again(home: Path) -> None:
    made = load_or_create(home, os.urandom)
    assert load_or_create(home, lambda size: b"\x09" * size).node_id == made.node_id
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600
    assert os.listdir(home) == [FILE_NAME]


def test_holds_the_seed_that_was_drawn(home: Path) -> None:
    made = load_or_create(home, lambda size: b"\x07" * size)
    assert made.node_id == Identity(b"\x07" * 32).node_id
    assert (home / FILE_NAME).read_text() == f"mesh99 ed25519 seed\n{'07' * 32}\n"


def test_a_lax_umask_changes_nothing(home: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create(home, os.urandom)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700, 0o4600])
def test_a_wider_file_is_refused_and_left_alone(home: Path, mode: int) -> None:
    load_or_create(home, os.urandom)
    (home / FILE_NAME).chmod(mode)
    assert f"{mode:04o}" in str(refused(home))
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o755, 0o777])
def test_a_wider_directory_is_refused_before_a_key_is_made(home: Path, mode: int) -> None:
    home.mkdir(parents=True)
    home.chmod(mode)
    error = refused(home)
    assert error.field == "home"
    assert "chmod 700" in (error.hint or "")
    assert os.listdir(home) == []


def test_a_narrower_file_is_fine(home: Path) -> None:
    made = load_or_create(home, os.urandom)
    (home / FILE_NAME).chmod(0o400)
    assert load_or_create(home, os.urandom).node_id == made.node_id


def test_links_are_refused(home: Path, tmp_path: Path) -> None:
    load_or_create(home, os.urandom)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(home)
    assert "elsewhere" in str(refused(elsewhere))
    (home / FILE_NAME).rename(tmp_path / "moved")
    (home / FILE_NAME).symlink_to(tmp_path / "moved")
    assert "link" in str(refused(home))
    (tmp_path / "moved").unlink()
    assert "link" in str(refused(home))


def test_a_pipe_in_its_place_is_refused_at_once(home: Path) -> None:
    home.mkdir(parents=True, mode=0o700)
    os.mkfifo(home / FILE_NAME, 0o600)
    assert "is no file" in str(refused(home))


def test_another_owner_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_or_create(home, os.urandom)
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert "another user" in str(refused(home))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n", HEAD, b"\xff\xfe" * 90, b"x" * 10_000, b"other\n" + b"7" * 64 + b"\n"),
        *(HEAD + b"7" * 62 + b"\n", HEAD + b"7" * 64, HEAD + b"z" * 64 + b"\n"),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(home: Path, content: bytes) -> None:
    load_or_create(home, os.urandom)
    (home / FILE_NAME).write_bytes(content)
    assert refused(home).field == "identity"
    assert (home / FILE_NAME).read_bytes() == content


def test_a_file_in_the_place_of_the_directory_is_refused(home: Path) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("")
    assert refused(home).field == "home"


def test_starting_at_the_same_time_ends_with_one_key(home: Path) -> None:
    barrier = threading.Barrier(8)
    found: list[bytes] = []

    def start() -> None:
        barrier.wait()
        found.append(load_or_create(home, os.urandom).node_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert os.listdir(home) == [FILE_NAME]


def test_a_crash_before_the_link_leaves_no_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(identity_file.os, "fsync", full)
    assert "No space left" in str(refused(home))
    assert os.listdir(home) == []
