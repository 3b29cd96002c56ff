"""The baseline: asyncio's plain Protocol over TCP, messages with a length in front, one write a message."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, cast

from .byte_line import LineClient, answer_on
from .desk import Desk
from .systems import Client, Server

LENGTH = struct.Struct(">I")
READ_BYTES = 65536  # asyncio's own 256 KiB is over malloc's mmap threshold: 15 us a read instead of 1


class RawLine(asyncio.Protocol):
    """A line on one TCP (or TLS) connection."""

    on_message: Callable[[bytes], Any]

    def __init__(self, on_open: Callable[[RawLine], None] | None = None) -> None:
        self._on_open = on_open
        self._parts: list[bytes] = []  # of a message that is not whole yet, or of its length
        self._missing = 0  # bytes until it is whole
        self._writable: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the read size, and hand the line to its owner."""
        self._transport = cast(asyncio.Transport, transport)
        set_read_size(transport)
        if self._on_open:
            self._on_open(self)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into messages."""
        position = 0
        if self._missing:
            position = self._missing
            if len(data) < position:
                self._parts.append(data)
                self._missing -= len(data)
                return
            self._parts.append(data[:position])
            message = b"".join(self._parts)
            self._parts, self._missing = [], 0
            self.on_message(message)
        elif self._parts:
            data = self._parts.pop() + data
        self._cut(data, position)

    def _cut(self, data: bytes, position: int) -> None:
        end = len(data)
        while end - position >= LENGTH.size:
            start = position + LENGTH.size
            position = start + LENGTH.unpack_from(data, start - LENGTH.size)[0]
            if position > end:
                self._parts, self._missing = [data[start:]], position - end
                return
            self.on_message(data[start:position])
        if position < end:
            self._parts = [data[position:]]

    def send(self, data: bytes) -> None:
        """Write one message."""
        self._transport.write(LENGTH.pack(len(data)) + data)

    async def drain(self) -> None:
        """Let the loop turn, and wait while the transport holds more than it should."""
        await (self._writable or asyncio.sleep(0))

    def pause_writing(self) -> None:
        """Hold the sender."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let the sender go on."""
        if self._writable:
            self._writable.set_result(None)
            self._writable = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a waiting sender go."""
        self.resume_writing()

    async def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def set_read_size(transport: asyncio.BaseTransport) -> None:
    """Let asyncio read 64 KiB at a time; uvloop's own reads are small already.

    `max_size` is undocumented, so an asyncio that drops it must not pass unseen: RuntimeError.
    """
    if type(transport).__module__.startswith("uvloop"):
        return
    # TLS reads through a protocol of its own, which holds the size of what it decrypts at a time.
    reader: Any = getattr(transport, "_ssl_protocol", transport)
    if not isinstance(getattr(reader, "max_size", None), int):
        raise RuntimeError(
            f"{type(reader).__name__} has no max_size: the baseline would read 256 KiB at a time"
        )
    reader.max_size = READ_BYTES


class RawServer:
    """The answering end."""

    def __init__(self, listener: asyncio.Server, address: dict[str, Any]) -> None:
        self._listener = listener
        port: int = listener.sockets[0].getsockname()[1]
        self.address: dict[str, Any] = {"port": port, **address}

    async def close(self) -> None:
        """Stop listening."""
        self._listener.close()


async def serve(desk: Desk, variant: str, **tls: Any) -> Server:
    """Listen on a free loopback port."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: RawLine(lambda line: answer_on(line, desk)), "127.0.0.1", 0, **tls
    )
    return RawServer(listener, {})


async def connect(address: dict[str, Any], variant: str, **tls: Any) -> Client:
    """Connect to the server."""
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(RawLine, "127.0.0.1", address["port"], **tls)
    return LineClient(line)
