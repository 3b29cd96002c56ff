"""HTTP to a node's control socket. A file of its own, because loading `http.client` takes its time."""

from __future__ import annotations

import os
import socket
from http.client import HTTPConnection
from pathlib import Path

SOCKET_NAME = "control.sock"
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux holds 108 bytes, the last one is zero (unix(7))


class ControlConnection(HTTPConnection):
    """An HTTP connection to the node of one home."""

    def __init__(self, home: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self.home = home

    def connect(self) -> None:
        """Connect to the socket, through an open directory where its path is too long; raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        path = self.home / SOCKET_NAME
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
            self.sock.connect(str(path))
            return
        directory = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{directory}/{SOCKET_NAME}")
        finally:
            os.close(directory)
