"""Programs that connect two hosts of a lab, seen from outside: started in a host, told to connect, asked how it went.

A peer is a process that speaks lines of JSON: it says `{"ready": WORD}`, hears `{"other": WORD OF THE OTHER}`, says
`{"set": true}`, hears `{"go": true}`, and when it is done says `{"path": "direct", "first_s": T, "final_s": T}`, the
times being those of the machine's monotonic clock at which the first byte of the other application came, and the first
one on the path that is used in the end.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .lab import Lab
from .site import Host

CALLER, CALLED = "caller", "called"
READY_S = 60.0


class Program(Protocol):
    """Something that connects hosts."""

    servers: int

    def serving(self, lab: Lab) -> AbstractContextManager[None]:
        """Run what it needs on public servers, until the block ends."""

    def command(self, lab: Lab, host: Host, role: str) -> Sequence[str]:
        """Name the script and the arguments of a peer in a host."""

    def start(self, sites: Sequence[str]) -> str:
        """Say whether peers at these sites are warm when they are told to connect, or begin cold."""


class Peer:
    """A running peer."""

    def __init__(self, host: Host, command: Sequence[str]) -> None:
        self._process = host.spawn(
            [sys.executable, "-P", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._unread = b""

    def hear(self, timeout_s: float) -> dict[str, Any]:
        """Return the next line; TimeoutError, or RuntimeError with its last words when it has ended."""
        deadline = time.monotonic() + timeout_s
        output = self._process.stdout
        assert output is not None
        while b"\n" not in self._unread:
            if not select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"a peer says nothing for {timeout_s:.0f} s")
            came = os.read(output.fileno(), 65536)
            if not came:
                raise RuntimeError(f"a peer has ended: {self._last_words()}")
            self._unread += came
        line, _, self._unread = self._unread.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def say(self, **words: Any) -> None:
        """Send it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        words: bytes = self._process.stderr.read()
        return words.decode(errors="replace")
