"""Programs that run until they are told to stop, and those that start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mesh99.cli import child_process
from mesh99.cli.child_process import ChildProcess
from mesh99.cli.failure import Failure

PROGRAM = """
import asyncio, sys
from mesh99.cli.event_loop import run
async def program():
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        if "slow" in sys.argv:
            print("stopping", flush=True)
            await asyncio.sleep(60)
        print("stopped in order", flush=True)
run(program(), until_eof="eof" in sys.argv)
"""


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert line_of(process) == "ready\n"
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with running() as process:
        process.send_signal(number)
        assert line_of(process) == "stopped in order\n"
        assert process.wait(20) == 0


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    with running("slow") as process:
        process.send_signal(signal.SIGINT)
        assert line_of(process) == "stopping\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0


def test_the_end_of_input_ends_it_where_asked_for() -> None:
    with running("eof") as process:
        assert process.stdin is not None
        process.stdin.write("ignored\n")
        process.stdin.close()
        assert line_of(process) == "stopped in order\n"
        assert process.wait(20) == 0


def test_an_input_that_is_no_pipe_has_ended_already() -> None:
    command = [sys.executable, "-c", PROGRAM, "eof"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_child_tells_that_it_is_ready_and_is_stopped() -> None:
    child = ChildProcess("registry", "registry", "serve", "--listen", "127.0.0.1:0")
    try:
        assert child.ready()["url"].startswith("http://127.0.0.1:")
    finally:
        child.stop()
        child.stop()
    assert child.exit_code == 0


def test_a_child_that_does_not_start_is_a_failure_with_its_own_words() -> None:
    child = ChildProcess("registry", "registry", "serve", "--listen", "nonsense")
    try:
        with pytest.raises(Failure, match="registry did not start") as caught:
            child.ready()
        assert "error: " in str(caught.value.hint)
    finally:
        child.stop()


def test_a_child_that_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "READY_S", 0.0)
    child = ChildProcess("registry", "registry", "serve", "--listen", "127.0.0.1:0")
    try:
        with pytest.raises(Failure, match="was not ready"):
            child.ready()
    finally:
        child.stop()


def test_a_child_that_does_not_listen_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "STOP_S", 0.1)
    child = ChildProcess("registry", "registry", "serve", "--listen", "127.0.0.1:0")
    child.ready()
    os.kill(child.process_id, signal.SIGSTOP)
    child.stop()
    assert child.exit_code == -signal.SIGKILL
