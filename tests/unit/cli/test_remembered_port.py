"""The port a home used last."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from free_port import free_port

from mesh99.cli.remembered_port import FILE_NAME, listen_again, remember


def test_port_0_becomes_the_one_used_last(home: Path) -> None:
    assert listen_again(home, "127.0.0.1:0") == "127.0.0.1:0"
    port = free_port()
    remember(home, port)
    assert listen_again(home, "127.0.0.1:0") == f"udp://127.0.0.1:{port}"
    assert listen_again(home, "127.0.0.1:7") == "127.0.0.1:7"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_is_taken_is_not_asked_for(home: Path, kind: socket.SocketKind) -> None:
    port = free_port()
    remember(home, port)
    with ExitStack() as stack:
        taken = stack.enter_context(socket.socket(socket.AF_INET, kind))
        taken.bind(("127.0.0.1", port))
        assert listen_again(home, "127.0.0.1:0") == "127.0.0.1:0"


def damage(content: bytes) -> Callable[[Path], object]:
    return lambda home: (home / FILE_NAME).write_bytes(content)


@pytest.mark.parametrize(
    "prepare",
    [damage(b""), damage(b"x\xff"), damage(b"0"), damage(b"-1"), damage(b"70000"), damage(b"9" * 99),
     lambda home: (home / FILE_NAME).mkdir()],
)  # fmt: skip
def test_a_damaged_file_is_no_memory(home: Path, prepare: Callable[[Path], object]) -> None:
    prepare(home)
    assert listen_again(home, "127.0.0.1:0") == "127.0.0.1:0"
