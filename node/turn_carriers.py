"""What carries a TURN client's messages to its server: a UDP socket or a TCP connection of their own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from ..nat.turn.account import TurnAccount
from ..nat.turn.stream import StreamSplitter
from ..wire.endpoint import Endpoint
from .addresses import plain
from .datagram_socket import DatagramSocket

QUEUE_BYTES_MAX = 1 << 20
"""Bytes held for a connection that takes none; what is sent beyond is lost, as it might be with UDP."""

OnMessage = Callable[[bytes], None]
Told = Callable[[], None]


class Carrier(Protocol):
    """A way to one server."""

    server: Endpoint

    def send(self, message: bytes) -> None:
        """Send a message, or lose it."""

    def close(self) -> None:
        """Close; a second call does nothing."""


async def open_carrier(
    account: TurnAccount, on_message: OnMessage, on_drained: Told, on_readable: Told, on_lost: Told
) -> Carrier:
    """Open a way to a server; raises OSError."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_DGRAM if account.transport == "udp" else socket.SOCK_STREAM
    family, _, _, _, address = (await loop.getaddrinfo(account.host, account.port, type=kind))[0]
    server = Endpoint(account.transport, plain(str(address[0])), int(address[1]))
    if account.transport == "udp":
        return DatagramCarrier(server, family, on_message, on_drained, on_readable)
    carrier = StreamCarrier(server, on_message, on_drained, on_readable, on_lost)
    await loop.create_connection(lambda: carrier, *address[:2])
    return carrier


class DatagramCarrier:
    """A UDP socket of its own."""

    def __init__(
        self, server: Endpoint, family: int, on_message: OnMessage, on_drained: Told, on_readable: Told
    ) -> None:
        self.server = server
        self._on_message = on_message
        self._socket = DatagramSocket(
            socket.socket(family, socket.SOCK_DGRAM), self._received, on_drained, on_readable
        )

    def send(self, message: bytes) -> None:
        """Send a message, or lose it."""
        self._socket.send(message, self.server)

    def close(self) -> None:
        """Close; a second call does nothing."""
        self._socket.close()

    def _received(self, packet: bytes, source: Endpoint) -> None:
        if source == self.server:
            self._on_message(packet)


class StreamCarrier(asyncio.Protocol):
    """A TCP connection."""

    def __init__(
        self, server: Endpoint, on_message: OnMessage, on_drained: Told, on_readable: Told, on_lost: Told
    ) -> None:
        self.server = server
        self._on_message = on_message
        self._on_drained = on_drained
        self._on_readable = on_readable
        self._on_lost = on_lost
        self._splitter = StreamSplitter()
        self._transport: asyncio.Transport | None = None
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass on the messages that are complete."""
        self._on_readable()
        for message in self._splitter.receive(data):
            self._on_message(message)
        self._on_drained()
        if self._splitter.broken and self._transport is not None:
            self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell, unless it was closed here."""
        self._transport = None
        if not self._closed:
            self._on_lost()

    def send(self, message: bytes) -> None:
        """Send a message, or lose it."""
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() < QUEUE_BYTES_MAX:
            transport.write(message)

    def close(self) -> None:
        """Write what is queued and close; a second call does nothing."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()
