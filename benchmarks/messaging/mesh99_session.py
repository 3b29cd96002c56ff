"""mesh99's encrypted session between two keys, bytes in and bytes out: no types, no dispatch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.wire.endpoint import Endpoint

from ..overlay_host import OverlayHost
from .byte_line import LineClient, answer_on
from .desk import Desk
from .systems import Client, Server

QUEUE_BYTES_MAX = 2 * 1024 * 1024  # a sender waits beyond it, until the session says that half of it is left
PATH_TIMEOUT_S = 5.0


class SessionLine:
    """A line on one session."""

    on_message: Callable[[bytes], Any]

    def __init__(self, end: OverlayHost, line: Line, kick: Callable[[], None]) -> None:
        self._end = end
        self._line = line
        self._overlay = end.overlay
        self._now = end.host.now
        self._kick = kick
        self._drained = asyncio.Event()
        line.session.on_drained = self._drained.set

    def send(self, data: bytes) -> None:
        """Queue a message; the first of a loop turn leaves at once, the rest share packets."""
        self._overlay.send_message(self._line, data, self._now())
        self._kick()

    async def drain(self) -> None:
        """Let the loop turn, and wait while the session holds too much."""
        await asyncio.sleep(0)
        if self._line.session.queued_bytes > QUEUE_BYTES_MAX:
            self._drained.clear()
            await self._drained.wait()

    async def close(self) -> None:
        """Leave the network."""
        await self._end.close()


class SessionServer:
    """The answering end: a line for each session that brings a message."""

    def __init__(self, end: OverlayHost, desk: Desk) -> None:
        self._end = end
        self._desk = desk
        self._lines: dict[Line, SessionLine] = {}
        self.address: dict[str, Any] = {"endpoint": str(end.endpoint)}
        end.overlay.on_message = self._receive

    def _receive(self, line: Line, message: bytes) -> None:
        known = self._lines.get(line)
        if known is None:
            # What is sent while packets are read leaves when the host has read them all.
            known = self._lines[line] = SessionLine(self._end, line, kick=lambda: None)
            answer_on(known, self._desk)
        known.on_message(message)

    async def close(self) -> None:
        """Leave the network."""
        await self._end.close()


def config_for(variant: str) -> OverlayConfig:
    """Keep the session on one transport, `tcp` or `udp`."""
    return OverlayConfig(prefer_tcp=variant == "tcp", allow_tcp=variant == "tcp")


async def serve(desk: Desk, variant: str) -> Server:
    """Wait for sessions on a free port."""
    return SessionServer(OverlayHost(config_for(variant)), desk)


async def connect(address: dict[str, Any], variant: str) -> Client:
    """Make a session and wait until it is on the transport asked for."""
    end = OverlayHost(config_for(variant))
    line = await end.connect(Endpoint.parse(address["endpoint"]))
    async with asyncio.timeout(PATH_TIMEOUT_S):
        while line.session.path.transport != variant:
            await asyncio.sleep(0.01)
    session_line = SessionLine(end, line, end.pump.kick)
    end.overlay.on_message = lambda _line, message: session_line.on_message(message)
    return LineClient(session_line)
