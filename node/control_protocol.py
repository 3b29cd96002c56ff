"""What the two ends of a node's control socket agree on.

A running node listens on the Unix socket `control.sock` in its home. A call is one HTTP request:

    POST /call/{command}     body: one JSON object of arguments, or nothing
    200                      {"result": ...}
    4xx, 5xx                 {"error": text, "hint": text or null, "kind": error class, "exit_code": number}

A call that watches something is answered with lines, each `{"result": ...}`, until either side closes; where it fails
on the way, the last line is an error as above.

`exit_code` is the one that the `mesh99` command ends with.
"""

from __future__ import annotations

from typing import TypedDict

from ..wire.errors import ConfigError, MeshError, NodeClosed

SOCKET_NAME = "control.sock"
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux holds 108 bytes, the last one is zero (unix(7))


class FailureReply(TypedDict):
    """The body of every answer that is not a result."""

    error: str
    hint: str | None
    kind: str
    exit_code: int


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
