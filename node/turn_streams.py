"""TCP connections of TURN clients: messages out of a stream, and a bounded queue the other way."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import cast

from ..nat.turn.config import TurnConfig
from ..nat.turn.stream import StreamSplitter
from ..wire.endpoint import Endpoint
from .addresses import plain

OnMessage = Callable[[bytes, Endpoint, Endpoint], None]
OnClosed = Callable[[Endpoint, Endpoint], None]
"""Told the client and the listening endpoint."""


class TurnStreams:
    """All connections, by client and listening endpoint."""

    def __init__(self, config: TurnConfig, on_message: OnMessage, on_closed: OnClosed) -> None:
        self._config = config
        self.on_message = on_message
        self._on_closed = on_closed
        self._streams: dict[tuple[Endpoint, Endpoint], TurnStream] = {}
        self._of_host: Counter[str] = Counter()
        self.lost = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._streams)

    def send(self, message: bytes, server: Endpoint, client: Endpoint) -> None:
        """Write a message; it is lost when the client reads too slowly, as it might be over UDP."""
        stream = self._streams.get((client, server))
        if stream is None or stream.queued_bytes > self._config.stream_queue_bytes_max:
            self.lost += 1
        else:
            stream.write(message)

    def close_idle(self, is_served: Callable[[Endpoint, Endpoint], bool], now: float) -> None:
        """Close the connections that nothing came of."""
        for (client, server), stream in list(self._streams.items()):
            if now > stream.opened_at + self._config.stranger_s and not is_served(client, server):
                stream.close()

    def close(self) -> None:
        """Close every connection."""
        for stream in list(self._streams.values()):
            stream.close()

    def add(self, stream: TurnStream) -> bool:
        """Take a new connection in; false when there is no room for it."""
        host, config = stream.client.host, self._config
        if len(self._streams) >= config.streams_max or self._of_host[host] >= config.streams_per_host_max:
            self.refused += 1
            return False
        self._streams[stream.client, stream.server] = stream
        self._of_host[host] += 1
        return True

    def remove(self, stream: TurnStream) -> None:
        """Forget a connection that was closed."""
        if self._streams.pop((stream.client, stream.server), None) is None:
            return
        self._of_host[stream.client.host] -= 1
        if not self._of_host[stream.client.host]:
            del self._of_host[stream.client.host]
        self._on_closed(stream.client, stream.server)


class TurnStream(asyncio.Protocol):
    """One connection."""

    def __init__(self, streams: TurnStreams, server: Endpoint) -> None:
        self._streams = streams
        self._splitter = StreamSplitter()
        self._transport: asyncio.Transport | None = None
        self.server = server
        self.client = server
        self.opened_at = time.monotonic()

    @property
    def queued_bytes(self) -> int:
        """How much waits for the client to read."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection in, or close it."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if peer is None:  # closed before it was looked at
            transport.close()
            return
        self.client = Endpoint("tcp", plain(peer[0]), peer[1])
        if not self._streams.add(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass on the messages that are complete."""
        for message in self._splitter.receive(data):
            self._streams.on_message(message, self.client, self.server)
        if self._splitter.broken:
            self.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._streams.remove(self)

    def write(self, message: bytes) -> None:
        """Queue a message."""
        if self._transport is not None:
            self._transport.write(message)

    def close(self) -> None:
        """Close the connection; what is queued is lost."""
        if self._transport is not None:
            self._transport.abort()
