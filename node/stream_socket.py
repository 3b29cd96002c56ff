"""The node's TCP side: a listener, and connections that carry packets behind a length.

Connections use the loop's reader and writer callbacks on a non-blocking socket, read into one buffer of their own and
write all packets of a flush in one system call. A connection is named by its remote endpoint. What is queued is bounded
by the sessions' windows; a stranger's connection that brings no session within the deadline is closed.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from ..wire.endpoint import Endpoint
from ..wire.stream_framing import StreamBuffer, length_prefix
from .addresses import plain

WRITE_PARTS_MAX = 512
"""Buffers per system call; Linux takes at most 1024 (IOV_MAX)."""

COPY_BYTES_MAX = 16 * 1024
"""Up to here a packet is copied behind its length: one buffer for the kernel instead of two."""

ACCEPT_PAUSE_S = 1.0
"""How long no connection is accepted after the system had no room for one, as asyncio's own servers wait."""

QUEUE_BYTES_MAX = 32 * 1024 * 1024
"""Bytes waiting on one connection; sessions stay far below it, so more means a bug or an attack: it is closed."""


class StreamSocket:
    """One TCP connection, opened by either side."""

    def __init__(
        self,
        connected: socket.socket,
        remote: Endpoint,
        on_packet: Callable[[memoryview, Endpoint], None],
        on_drained: Callable[[], None],
        on_closed: Callable[[Endpoint], None],
        on_readable: Callable[[], None],
    ) -> None:
        self._socket = connected
        self.remote = remote
        self._on_packet = on_packet
        self._on_drained = on_drained
        self._on_closed = on_closed
        self._on_readable = on_readable
        self._loop = asyncio.get_running_loop()
        self._buffer = StreamBuffer()
        self._parts: deque[bytes | memoryview] = deque()
        self._queued_bytes = 0
        self._writing = False
        self.closed = False
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(connected.fileno(), self._readable)

    def send(self, packet: bytes) -> None:
        """Queue one packet; `flush` lets it go."""
        size = len(packet)
        if size <= COPY_BYTES_MAX:
            self._parts.append(length_prefix(packet) + packet)
        else:
            self._parts.append(length_prefix(packet))
            self._parts.append(packet)
        self._queued_bytes += size + 4

    def flush(self) -> None:
        """Write what is queued as far as the kernel takes it."""
        if not self._writing and not self.closed:
            self._write()
            if self._parts and not self.closed:
                self._writing = True
                self._loop.add_writer(self._socket.fileno(), self._writable)
        if self._queued_bytes > QUEUE_BYTES_MAX:
            self.close()

    def close(self) -> None:
        """Close the connection; what is queued is lost here and sent again by its sessions elsewhere."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._parts.clear()
        self._on_closed(self.remote)

    def _readable(self) -> None:
        self._on_readable()
        buffer = self._buffer
        try:
            size = self._socket.recv_into(buffer.space())
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size == 0:
            self.close()
            return
        for packet in buffer.received(size):
            self._on_packet(packet, self.remote)
        if buffer.broken:
            self.close()
        self._on_drained()

    def _writable(self) -> None:
        self._write()
        if not self._parts and not self.closed:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())

    def _write(self) -> None:
        parts = self._parts
        try:
            if len(parts) == 1:
                self._consume(self._socket.send(parts[0]))
            while parts:
                batch = [parts[i] for i in range(min(len(parts), WRITE_PARTS_MAX))]
                self._consume(self._socket.sendmsg(batch))
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def _consume(self, written: int) -> None:
        self._queued_bytes -= written
        parts = self._parts
        if not self._queued_bytes:
            parts.clear()
            return
        while written:
            first = parts[0]
            if written < len(first):
                parts[0] = memoryview(first)[written:]
                return
            written -= len(first)
            parts.popleft()


class StreamTable:
    """All TCP connections of a node, and those being opened."""

    def __init__(
        self,
        on_packet: Callable[[memoryview, Endpoint], None],
        on_drained: Callable[[], None],
        on_opened: Callable[[Endpoint], None],
        on_closed: Callable[[Endpoint], None],
        knows: Callable[[Endpoint], bool],
        on_readable: Callable[[], None] = lambda: None,
        *,
        streams_max: int,
        stranger_s: float,
        connect_s: float,
    ) -> None:
        self._on_packet = on_packet
        self._on_drained = on_drained
        self._on_opened = on_opened
        self._on_closed = on_closed
        self._knows = knows
        self._on_readable = on_readable
        self._streams_max = streams_max
        self._stranger_s = stranger_s
        self._connect_s = connect_s
        self._loop = asyncio.get_running_loop()
        self._streams: dict[Endpoint, StreamSocket] = {}
        self._connecting: dict[Endpoint, tuple[asyncio.Task[None], list[bytes]]] = {}
        self._written: list[StreamSocket] = []
        self._listener: socket.socket | None = None
        self.refused = 0

    def listen(self, bound: socket.socket) -> None:
        """Accept connections on a bound socket."""
        bound.setblocking(False)
        bound.listen(128)
        self._listener = bound
        self._loop.add_reader(bound.fileno(), self._acceptable)

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Queue a packet on the connection with this remote endpoint, also while it is being opened."""
        stream = self._streams.get(destination)
        if stream is not None:
            stream.send(packet)
            self._written.append(stream)
        elif destination in self._connecting:
            held = self._connecting[destination][1]
            if len(held) < 16:
                held.append(packet)

    def flush(self) -> None:
        """Write on every connection that was sent on."""
        if self._written:
            written, self._written = self._written, []
            for stream in written:
                stream.flush()

    def open(self, destination: Endpoint) -> None:
        """Begin to connect, unless it is open or under way."""
        if destination in self._streams:
            self._on_opened(destination)
        elif destination not in self._connecting:
            self._connecting[destination] = (self._loop.create_task(self._connect(destination)), [])

    def close_one(self, destination: Endpoint) -> None:
        """Close the connection with this remote endpoint, if there is one."""
        stream = self._streams.get(destination)
        if stream is not None:
            stream.flush()
            stream.close()

    async def close(self) -> None:
        """Close the listener and every connection, and wait for those being opened to end."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for stream in list(self._streams.values()):
            stream.flush()
            stream.close()
        tasks = [task for task, _ in self._connecting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _acceptable(self) -> None:
        assert self._listener is not None
        for _ in range(16):
            try:
                accepted, address = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError:
                # No descriptor or no memory is left: the connection stays in the queue, and asking at once would spin.
                self._loop.remove_reader(self._listener.fileno())
                self._loop.call_later(ACCEPT_PAUSE_S, self._accept_again)
                return
            if len(self._streams) >= self._streams_max:
                self.refused += 1
                accepted.close()
                continue
            remote = Endpoint("tcp", plain(address[0]), address[1])
            self._add(accepted, remote)
            self._loop.call_later(self._stranger_s, self._check_stranger, remote)

    def _accept_again(self) -> None:
        if self._listener is not None and self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._acceptable)

    def _check_stranger(self, remote: Endpoint) -> None:
        if remote in self._streams and not self._knows(remote):
            self.refused += 1
            self.close_one(remote)

    def _add(self, connected: socket.socket, remote: Endpoint) -> StreamSocket:
        stream = StreamSocket(
            connected, remote, self._on_packet, self._on_drained, self._stream_closed, self._on_readable
        )
        self._streams[remote] = stream
        return stream

    async def _connect(self, destination: Endpoint) -> None:
        family = socket.AF_INET6 if ":" in destination.host else socket.AF_INET
        connecting = socket.socket(family, socket.SOCK_STREAM)
        connecting.setblocking(False)
        try:
            address = (destination.host, destination.port)
            await asyncio.wait_for(self._loop.sock_connect(connecting, address), self._connect_s)
        except (OSError, TimeoutError):
            connecting.close()
            self._connecting.pop(destination, None)
            self._on_closed(destination)
            return
        except asyncio.CancelledError:
            connecting.close()
            self._connecting.pop(destination, None)
            raise
        self._opened(connecting, destination)

    def _opened(self, connected: socket.socket, destination: Endpoint) -> None:
        _, held = self._connecting.pop(destination)
        stream = self._add(connected, destination)
        for packet in held:
            stream.send(packet)
        stream.flush()
        self._on_opened(destination)

    def _stream_closed(self, remote: Endpoint) -> None:
        self._streams.pop(remote, None)
        self._on_closed(remote)
