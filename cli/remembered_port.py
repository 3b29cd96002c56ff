"""The port a home used last: a node that comes back to it is still where the others remember it."""

from __future__ import annotations

import contextlib
import logging
import socket
from pathlib import Path

from ..wire.endpoint import Endpoint

log = logging.getLogger(__name__)

FILE_NAME = "port"


def listen_again(home: Path, listen: str) -> str:
    """Put the remembered port in the place of port 0, if it is free; other ports stay as they are."""
    wanted = Endpoint.parse(listen)
    remembered = wanted._replace(port=_remembered(home))
    if wanted.port or not remembered.port or not is_free(remembered):
        return listen
    return str(remembered)


def remember(home: Path, port: int) -> None:
    """Keep the port for the next start; a disk that is full is no reason to stop."""
    try:
        (home / FILE_NAME).write_text(f"{port}\n")
    except OSError as error:
        log.warning("the port was not remembered in %s: %s", home, error)


def is_free(endpoint: Endpoint) -> bool:
    """Tell whether UDP and TCP can both be bound there."""
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(family, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((endpoint.host, endpoint.port))
    except OSError:
        return False
    return True


def _remembered(home: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        port = int((home / FILE_NAME).read_bytes()[:16])
        return port if 0 < port < 65536 else 0
    return 0
