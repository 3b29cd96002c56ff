"""The client of the control socket against things that are no node."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mesh99.cli.client import Client
from mesh99.cli.control_connection import SOCKET_NAME
from mesh99.cli.exit_codes import ExitCode
from mesh99.cli.failure import Failure


@contextmanager
def answering(home: Path, answer: bytes | None) -> Iterator[None]:
    """Take one connection and answer it with these bytes, or never."""
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / SOCKET_NAME))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                request = b""
                while not request.endswith(b"}"):  # head and body may come apart
                    request += connection.recv(65536)
                if answer is None:
                    ended.wait(10)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage\r\n\r\n", http(b""), http(b"not json"), http(b"[1]"), http(b"\xff"), http(b"{}{}"),
     b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"],
)  # fmt: skip
def test_what_is_no_reply_is_one_clear_failure(home: Path, answer: bytes) -> None:
    with answering(home, answer), pytest.raises(Failure, match="broke off") as caught:
        Client(home).call("status")
    assert caught.value.exit_code == ExitCode.NOT_DONE
    assert caught.value.hint


def test_a_reply_without_its_parts_is_a_failure_all_the_same(home: Path) -> None:
    with answering(home, http(b'{"exit_code": "x"}')), pytest.raises(Failure, match="no reason") as caught:
        Client(home).call("status")
    assert caught.value.exit_code == ExitCode.INTERNAL


def test_a_node_that_hangs_is_not_waited_for_for_ever(home: Path) -> None:
    with answering(home, None), pytest.raises(Failure, match="does not answer"):
        Client(home).call("status", wait_s=0.1)


def stale_socket(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home / SOCKET_NAME))


def no_directory(home: Path) -> None:
    home.rmdir()


def a_file(home: Path) -> None:
    home.rmdir()
    home.write_text("")


@pytest.mark.parametrize("prepare", [stale_socket, no_directory, a_file, lambda home: None])
def test_no_node_is_said_as_such(home: Path, prepare: Callable[[Path], None]) -> None:
    prepare(home)
    with pytest.raises(Failure, match="no node is running in") as caught:
        Client(home).call("status")
    assert caught.value.exit_code == ExitCode.NO_NODE
    assert caught.value.hint == f"start one: mesh99 --home {home} up"


def test_the_default_home_needs_no_option_in_the_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Failure) as caught:
        Client(tmp_path / ".mesh99").call("status")
    assert caught.value.hint == "start one: mesh99 up"


def test_a_home_too_deep_for_a_socket_address(node: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh99.cli.control_connection.SOCKET_PATH_BYTES_MAX", 10)
    assert Client(home).call("status")["name"] == "reader"
