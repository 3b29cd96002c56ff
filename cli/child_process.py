"""Another `mesh99` as a child process: started, waited for until it is ready, stopped by its id."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from typing import Any

from .failure import Failure

READY_S = 20.0
STOP_S = 3.0
LINE_BYTES_MAX = 64 * 1024


class ChildProcess:
    """One `mesh99 ... --json --until-eof`.

    Its standard input is a pipe that we hold: should this process be killed, the child sees the end of it
    and stops too. It gets no Ctrl-C of the terminal: who started it stops it.
    """

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115, closed by stop()
        # -P: what lies in the working directory must not take the place of installed modules.
        command = [sys.executable, "-P", "-m", "mesh99.cli.main", "--json", *arguments, "--until-eof"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            start_new_session=True,
        )

    @property
    def process_id(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return how it ended; None while it runs."""
        return self._process.poll()

    def ready(self) -> Any:
        """Wait for its line on stdout and return the document in it; raises Failure with what it said."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + READY_S
        line = b""
        while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._process.stdout], [], [], left_s)[0]:
                raise Failure(f"{self.name} was not ready within {READY_S:g} s", self._said())
            piece = os.read(self._process.stdout.fileno(), LINE_BYTES_MAX)
            if not piece:
                raise Failure(f"{self.name} did not start", self._said())
            line += piece
        return json.loads(line)

    def stop(self) -> None:
        """Stop it in order, or by force when it does not listen; a second call does nothing."""
        self.begin_stop()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._output):
            if pipe is not None:
                pipe.close()

    def begin_stop(self) -> None:
        """Tell it to stop without waiting."""
        if self._process.poll() is None:
            self._process.terminate()

    def _said(self) -> str:
        self._output.seek(0)
        lines = self._output.read(LINE_BYTES_MAX).decode(errors="replace").split("\n")
        return " ".join(line for line in lines[-6:] if line) or "it said nothing"
