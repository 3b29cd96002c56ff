"""One HTTP request to a server on the virtual loop, without a socket: bytes in, bytes out.

The server is the real one, down to its parser and its time limits; only the transport under its protocol is memory.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from yarl import URL

from ...node.registry.http_client import Answer
from .sockets import Listener

WRITE_BUFFER_BYTES = 64 * 1024
"""What an asyncio transport says by default; nothing is ever held back in here."""

DATE = re.compile(rb"\r\nDate: [^\r]*")
"""The one header that tells the time of today, so that two runs would differ."""


class Pipe(asyncio.Transport):
    """The server's side of one connection; what it wrote is there when it has closed."""

    def __init__(self, peer: tuple[str, int]) -> None:
        super().__init__({"peername": peer})
        self.written = bytearray()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write(self, data: Any) -> None:
        """Take bytes of the answer."""
        self.written += data

    def is_closing(self) -> bool:
        """Tell whether the server closed."""
        return self.closed.done()

    def close(self) -> None:
        """End the connection."""
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        """End the connection."""
        self.close()

    def get_write_buffer_size(self) -> int:
        """Nothing waits to be sent."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return what asyncio would."""
        return 0, WRITE_BUFFER_BYTES

    def is_reading(self) -> bool:
        """The request came whole."""
        return False

    def pause_reading(self) -> None:
        """The request came whole."""

    def resume_reading(self) -> None:
        """The request came whole."""


def request_bytes(method: str, url: URL, body: bytes | None) -> bytes:
    """Return a request as the client would send it, but for one connection each."""
    lines = [
        f"{method} {url.raw_path_qs} HTTP/1.0",
        f"Host: {url.host}:{url.port}",
        "Content-Type: application/json",
        "Accept-Encoding: identity",
        f"Content-Length: {len(body or b'')}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def answer_bytes(listener: Listener, request: bytes, peer: tuple[str, int]) -> bytes:
    """Hand a request to a server and return all that it answers, but for the date."""
    protocol, pipe = listener.accept(), Pipe(peer)
    protocol.connection_made(pipe)
    protocol.data_received(request)
    await pipe.closed
    protocol.connection_lost(None)
    head, blank, body = bytes(pipe.written).partition(b"\r\n\r\n")
    return DATE.sub(b"", head) + blank + body


def read_answer(answer: bytes) -> Answer | None:
    """Read an answer that ended with its connection; None when it is no HTTP."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if not blank or len(words) < 2 or not words[1].isdigit():
        return None
    return Answer(int(words[1]), body)
