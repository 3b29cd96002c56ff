"""HTTP to a node's control socket. A file of its own, because loading `http.client` takes its time."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from pathlib import Path

from ..node.control_protocol import socket_address


class ControlConnection(HTTPConnection):
    """An HTTP connection to the node of one home."""

    def __init__(self, home: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self.home = home

    def connect(self) -> None:
        """Connect to the socket; raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with socket_address(self.home) as address:
            self.sock.connect(address)
