"""What the two ends of a node's control socket agree on.

A running node listens on the Unix socket `control.sock` in its home. A call is one HTTP request:

    POST /call/{command}     body: one JSON object of arguments, or nothing
    200                      {"result": ...}
    4xx, 5xx                 {"error": text, "hint": text or null, "kind": error class, "exit_code": number}

`exit_code` is the one that the `mesh99` command ends with. This file stays light: a command that only
asks a question of a running node loads this and not the node.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from ..wire.errors import ConfigError, MeshError, NodeClosed

SOCKET_NAME = "control.sock"
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux holds 108 bytes, the last one is zero (unix(7))
OPEN_FILES = Path("/proc/self/fd")


class FailureReply(TypedDict):
    """The body of every answer that is not a result."""

    error: str
    hint: str | None
    kind: str
    exit_code: int


@contextmanager
def socket_address(home: Path) -> Iterator[str]:
    """Yield a path for `bind` and `connect` to the socket in `home`, however deep `home` lies.

    A path over 107 bytes goes through an open descriptor of the directory. Raises ConfigError where
    the system cannot do that.
    """
    path = str(home / SOCKET_NAME)
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        yield path
        return
    if not OPEN_FILES.is_dir():
        raise ConfigError(
            "home", f"{home} is too long a path for a Unix socket", "choose a home with a shorter path"
        )
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"{OPEN_FILES}/{directory}/{SOCKET_NAME}"
    finally:
        os.close(directory)


def failure(error: BaseException) -> FailureReply:
    """Put an error into the form that travels; what is no MeshError is a bug of ours and says no more."""
    kind = type(error).__name__
    if not isinstance(error, MeshError):
        text = f"internal error: {kind}: {error}"
        return FailureReply(
            error=text, hint="run the node with --debug to see the trace", kind=kind, exit_code=70
        )
    return FailureReply(error=str(error), hint=error.hint, kind=kind, exit_code=exit_code_of(error))


def exit_code_of(error: MeshError) -> int:
    """Return the exit code that an error ends a command with.

    A ConfigError that the system caused (a port in use, a directory that is not ours) is no mistake of
    usage: the same words work another time.
    """
    if isinstance(error, NodeClosed):
        return 3
    caused_by_system = isinstance(error.__cause__ or error.__context__, OSError)
    return 2 if isinstance(error, ConfigError) and not caused_by_system else 1
