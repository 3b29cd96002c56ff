"""What the server does with what arrives: it answers requests and counts one-way messages."""

from __future__ import annotations

import json
import time
from typing import Any

REPORT = b"report"
RESET = b"reset"


class Desk:
    """The server's side of every case, the same for all systems."""

    def __init__(self) -> None:
        self._forget()

    def answer(self, payload: bytes) -> bytes:
        """Echo a request; `RESET` starts a new count and `REPORT` tells the count instead."""
        if len(payload) > len(REPORT):
            return payload
        if payload == RESET:
            self._forget()
        return json.dumps(self._report()).encode()

    def take(self, size_bytes: int) -> None:
        """Count a one-way message."""
        now = time.perf_counter()
        if not self._messages:
            self._first = now
        self._messages += 1
        self._bytes += size_bytes
        self._last = now

    def _forget(self) -> None:
        self._messages = 0
        self._bytes = 0
        self._first = self._last = 0.0

    def _report(self) -> dict[str, Any]:
        return {"messages": self._messages, "bytes": self._bytes, "seconds": self._last - self._first}
