"""ZeroMQ with CURVE encryption: pyzmq's asyncio sockets, DEALER at the client and ROUTER at the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import zmq
import zmq.asyncio

from .byte_line import LineClient, answer_on
from .desk import Desk
from .systems import Client, Server


class ZmqLine:
    """A line on one socket; a ROUTER answers the peer that it heard first."""

    on_message: Callable[[bytes], Any]

    def __init__(self, socket: zmq.asyncio.Socket) -> None:
        self._socket = socket
        self._routes = socket.socket_type == zmq.ROUTER
        self._envelope: list[bytes] = []
        self._last_send: Any = None
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            parts = await self._socket.recv_multipart()
            if self._routes:
                self._envelope = parts[:-1]
            self.on_message(parts[-1])

    def send(self, data: bytes) -> None:
        """Hand a message to the socket; its I/O thread sends it."""
        if self._envelope:
            self._last_send = self._socket.send_multipart([*self._envelope, data])
        else:
            self._last_send = self._socket.send(data)

    async def drain(self) -> None:
        """Let the loop turn, and wait until the last message had room under the high-water mark."""
        await self._last_send
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Close the socket."""
        self._reader.cancel()
        self._socket.close(linger=0)


class ZmqServer:
    """The answering end."""

    def __init__(self, line: ZmqLine, address: dict[str, Any]) -> None:
        self._line = line
        self.address = address

    async def close(self) -> None:
        """Close the socket."""
        await self._line.close()


async def serve(desk: Desk, variant: str) -> Server:
    """Bind a ROUTER on a free loopback port, with a fresh key that the address names."""
    public, secret = zmq.curve_keypair()
    socket = zmq.asyncio.Context.instance().socket(zmq.ROUTER)
    socket.curve_secretkey, socket.curve_publickey, socket.curve_server = secret, public, True
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    line = ZmqLine(socket)
    answer_on(line, desk)
    return ZmqServer(line, {"port": port, "key": public.decode()})


async def connect(address: dict[str, Any], variant: str) -> Client:
    """Connect a DEALER that accepts only the server's key."""
    public, secret = zmq.curve_keypair()
    socket = zmq.asyncio.Context.instance().socket(zmq.DEALER)
    socket.curve_secretkey, socket.curve_publickey = secret, public
    socket.curve_serverkey = address["key"].encode()
    socket.connect(f"tcp://127.0.0.1:{address['port']}")
    return LineClient(ZmqLine(socket))
