"""The exit codes of `mesh99`."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended; scripts rely on these numbers."""

    DONE = 0
    NOT_DONE = 1  # what was asked did not happen: unreachable, not found, rejected
    USAGE = 2
    NO_NODE = 3  # no node is running there
    INTERNAL = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # 128 + SIGINT, as shells say it
