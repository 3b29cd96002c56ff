"""Servers of other people get a port that nobody has: coturn waits for ever for one that TCP holds."""

from __future__ import annotations

import socket

import free_port
import pytest


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_either_kind_of_socket_holds_is_not_free(
    monkeypatch: pytest.MonkeyPatch, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", free_port.free_port()))
        port = taken.getsockname()[1]
        monkeypatch.setattr(free_port, "PORTS", range(port, port + 1))
        monkeypatch.setattr(free_port, "TRIES", 1)
        with pytest.raises(OSError, match="is free"):
            free_port.free_port()
    assert free_port.free_port() == port
