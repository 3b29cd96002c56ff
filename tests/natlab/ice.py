"""aioice in a lab: ICE with coturn's STUN and TURN, its signalling over TCP through the same boxes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from . import coturn
from .lab import Lab
from .site import Host
from .topology import Kind

SCRIPT = str(Path(__file__).with_name("ice_peer.py"))
SIGNALLING_PORT = 9000
LINE_BYTES_MAX = 65536


class Ice:
    """aioice; without TURN it knows only where a STUN server sees it."""

    servers = 2

    def __init__(self, *, turn: bool) -> None:
        self._turn = turn

    @contextmanager
    def serving(self, lab: Lab) -> Iterator[None]:
        """Run coturn on the first server, and signalling on the second."""
        with coturn.serving(lab.servers[0]), signalling(lab.servers[1]):
            yield

    def command(self, lab: Lab, host: Host, role: str) -> Sequence[str]:
        """Name the peer's script and settings."""
        # Where one side has no UDP at all, both go to TURN over TCP: otherwise such a pair cannot connect.
        no_udp = any(box.kind is Kind.UDPBLOCK for site in lab.sites for box in site.site.boxes)
        settings = {
            "role": role,
            "server": (lab.servers[0].address, coturn.PORT),
            "signalling": (lab.servers[1].address, SIGNALLING_PORT),
            "turn": ("tcp" if no_udp else "udp") if self._turn else None,
            "user": (coturn.USER, coturn.PASSWORD),
        }
        return [SCRIPT, json.dumps(settings)]

    def start(self, sites: Sequence[str]) -> str:
        """Say that it begins cold: where it is seen, and its relayed address, are asked for each connection anew."""
        return "cold"


@contextmanager
def signalling(server: Host) -> Iterator[None]:
    """Pass on what two TCP clients say to each other, until the block ends."""
    with server.socket(server.address, SIGNALLING_PORT, socket.SOCK_STREAM) as listening:
        listening.listen()
        thread = threading.Thread(target=_pass_on, args=(listening,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            # Closing alone would not wake who waits in accept.
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _pass_on(listening: socket.socket) -> None:
    with suppress(OSError), listening.accept()[0] as one, listening.accept()[0] as other:
        back = threading.Thread(target=_copy, args=(other, one), daemon=True)
        back.start()
        _copy(one, other)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(LINE_BYTES_MAX):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
