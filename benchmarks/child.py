"""A measured process: it gets one JSON line, answers one, and ends when its input ends."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

import psutil

ROOT = Path(__file__).resolve().parent.parent
CLOSE_TIMEOUT_S = 10.0  # 200 nodes take a few seconds to close


class ChildFailed(Exception):
    """A measured process died, hung or reported an error."""


class Child:
    """The parent's end of a measured process."""

    def __init__(self, module: str, settings: dict[str, Any], timeout_s: float) -> None:
        """Start `python -m module`, hand it `settings`, and wait for its first answer (`.ready`)."""
        self._name = str(settings["system"])
        self._process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._questions = cast(TextIO, self._process.stdin)
        self._answers = cast(TextIO, self._process.stdout)
        self.process_id = self._process.pid
        try:
            self.ready = self.ask(settings, timeout_s)
        except ChildFailed:
            self.close()
            raise

    def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a line and wait for the answer; a process that stays silent for `timeout_s` is killed."""
        watchdog = threading.Timer(timeout_s, self._kill)
        watchdog.start()
        try:
            self._questions.write(json.dumps(question) + "\n")
            self._questions.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        answer = json.loads(line) if line else {"error": f"it ended, or said nothing for {timeout_s:g} s"}
        if "error" in answer:
            raise ChildFailed(f"{self._name}: {answer['error']}")
        return dict(answer)

    def close(self) -> None:
        """End the process: its input ends; what is left after a while is killed."""
        with suppress(BrokenPipeError):  # it may be dead already
            self._questions.close()
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._answers.close()

    def _kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            for member in [*process.children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    member.kill()


class Parent:
    """The child's end: settings first, then questions."""

    def __init__(self) -> None:
        # Answers keep the first stdout for themselves: what a library prints goes to stderr.
        self._answers: TextIO = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.settings: dict[str, Any] = json.loads(sys.stdin.readline())
        os.sched_setaffinity(0, self.settings["cpus"])

    def answer(self, answer: dict[str, Any]) -> None:
        """Send one line."""
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    async def questions(self) -> AsyncIterator[dict[str, Any]]:
        """Yield each question until the parent closes our input."""
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            yield json.loads(line)
