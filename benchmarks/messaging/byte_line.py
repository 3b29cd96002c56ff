"""Requests on a line that carries whole byte messages: one numbering scheme for every system without its own.

Message: kind 1 (0 one-way, 1 request, 2 reply) | number 4 | payload
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Protocol

from .desk import Desk

HEADER = struct.Struct(">BI")
ONE_WAY, REQUEST, REPLY = 0, 1, 2


class Line(Protocol):
    """One end of a duplex line of byte messages."""

    on_message: Callable[[bytes], Any]

    def send(self, data: bytes) -> Any:
        """Send a message, now or soon."""

    async def drain(self) -> None:
        """Let the loop turn, and wait while the line is full."""

    async def close(self) -> None:
        """Close the line."""


class LineClient:
    """The asking end of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        line.on_message = self._receive

    async def request(self, payload: bytes) -> bytes:
        """Send a request and wait for the reply of the same number."""
        self._number = number = (self._number + 1) & 0xFFFFFFFF
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[number] = future
        self._line.send(HEADER.pack(REQUEST, number) + payload)
        return await future

    async def send_burst(self, payload: bytes, count: int) -> None:
        """Send one-way messages."""
        message = HEADER.pack(ONE_WAY, 0) + payload
        send = self._line.send
        for _ in range(count):
            send(message)
        await self._line.drain()

    async def close(self) -> None:
        """Close the line."""
        await self._line.close()

    def _receive(self, message: bytes) -> None:
        _, number = HEADER.unpack_from(message)
        self._waiting.pop(number).set_result(message[HEADER.size :])


def answer_on(line: Line, desk: Desk) -> None:
    """Let `desk` answer and count what arrives on `line`."""

    def receive(message: bytes) -> None:
        kind, number = HEADER.unpack_from(message)
        if kind == ONE_WAY:
            desk.take(len(message) - HEADER.size)
        else:
            line.send(HEADER.pack(REPLY, number) + desk.answer(message[HEADER.size :]))

    line.on_message = receive
