"""Keep an identity on disk: `identity.key`, mode 0600, in a directory of mode 0700 that only its owner can read.

A wider mode, another owner or a symbolic link is refused rather than mended: whoever could read the key may have done
so. The file is written under another name first and linked into place, so that two processes that start together end
up with one key and a crash leaves none or a whole one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .errors import ConfigError
from .identity import Identity

FILE_NAME = "identity.key"
HEADER = "mesh99 ed25519 seed"
FILE_BYTES_MAX = 256

RESTORE_HINT = "restore it from a copy, or move it away"


def load_or_create(directory: Path, entropy: Callable[[int], bytes]) -> Identity:
    """Return the identity of a directory, made on first use; raises ConfigError that says what is wrong with it."""
    path = directory / FILE_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(os.lstat(directory), directory, stat.S_ISDIR, "directory", 0o700)
        if not os.path.lexists(path):
            _create(path, Identity.generate(entropy), entropy(8).hex())
        return load(path)
    except OSError as error:
        hint = "choose another home with --home"
        raise ConfigError("home", f"{directory} cannot be used: {error.strerror}", hint) from error


def load(path: Path) -> Identity:
    """Return the identity in a file; raises ConfigError, or OSError when it cannot be read."""
    if path.is_symlink():
        raise ConfigError("home", f"{path} is a link", "links are not followed here")
    # O_NONBLOCK: a named pipe in the place of the file must not stop the start.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        _check_private(os.fstat(descriptor), path, stat.S_ISREG, "file", 0o600)
        lines = file.read(FILE_BYTES_MAX).split("\n")
    if len(lines) != 3 or lines[0] != HEADER or lines[2]:
        raise ConfigError("identity", f"{path} is no identity file", RESTORE_HINT)
    try:
        return Identity(bytes.fromhex(lines[1]))
    except ValueError:
        raise ConfigError("identity", f"{path} is damaged", RESTORE_HINT) from None


def _create(path: Path, identity: Identity, suffix: str) -> None:
    temporary = path.with_name(f".{FILE_NAME}.{suffix}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{HEADER}\n{identity.seed.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link fails when another process was first: then its key counts.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_private(
    found: os.stat_result, path: Path, is_kind: Callable[[int], bool], kind: str, mode: int
) -> None:
    if not is_kind(found.st_mode):
        raise ConfigError("home", f"{path} is no {kind}", "links are not followed here")
    if found.st_uid != os.geteuid():
        raise ConfigError("home", f"{path} belongs to another user", "use a home of your own with --home")
    if stat.S_IMODE(found.st_mode) & ~mode:
        wide = f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, wider than {mode:04o}"
        hint = f"others could read the key: chmod {mode:o} {path}, and make a new key if that matters"
        raise ConfigError("home", wide, hint)
