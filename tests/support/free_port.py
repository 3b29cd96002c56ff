"""A port for a server that has to be told one."""

from __future__ import annotations

import socket
from random import SystemRandom

# Below what Linux gives to sockets that ask for any port (32,768 and up), and what coturn relays from (49,152 and up):
# nobody can take it between the choice and the server's start.
PORTS = range(20_000, 32_000)
TRIES = 100


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody uses, for UDP or TCP."""
    for port in SystemRandom().sample(PORTS, TRIES):
        if all(_is_free(host, port, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            return port
    raise OSError(f"none of {TRIES} ports between {PORTS.start} and {PORTS.stop} is free")


def _is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
