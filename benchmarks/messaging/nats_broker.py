"""NATS: nats-py at both ends, a nats-server of our own between them, on the server's core."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client as Connection
from nats.aio.msg import Msg

from ..system import command_path
from .desk import Desk
from .systems import Client, Server

START_TIMEOUT_S = 10.0
REQUESTS, ONE_WAY = "requests", "one-way"


class Broker:
    """A nats-server on a port it chooses itself."""

    def __init__(self, process: asyncio.subprocess.Process, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._process = process
        self._folder = folder

    @classmethod
    async def start(cls) -> Broker:
        """Start it; it inherits the core of this process."""
        folder = tempfile.TemporaryDirectory()
        arguments = ["--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", folder.name]
        process = await asyncio.create_subprocess_exec(
            command_path("nats-server") or "nats-server",
            *arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return cls(process, folder)

    async def url(self) -> str:
        """Wait until it listens, and say where."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                for file in Path(self._folder.name).glob("*.ports"):
                    if text := file.read_text():
                        return str(json.loads(text)["nats"][0])
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        await self._process.wait()
        self._folder.cleanup()


class NatsServer:
    """The answering end."""

    def __init__(self, connection: Connection, broker: Broker, url: str) -> None:
        self._connection = connection
        self._broker = broker
        self.address: dict[str, Any] = {"url": url}

    async def close(self) -> None:
        """Close the connection, then the broker."""
        await self._connection.close()
        await self._broker.stop()


class NatsClient:
    """The asking end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def request(self, payload: bytes) -> bytes:
        """Ask with NATS's own request."""
        reply = await self._connection.request(REQUESTS, payload, timeout=START_TIMEOUT_S)
        return reply.data

    async def send_burst(self, payload: bytes, count: int) -> None:
        """Publish; the flusher writes when the loop turns."""
        publish = self._connection.publish
        for _ in range(count):
            await publish(ONE_WAY, payload)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def serve(desk: Desk, variant: str) -> Server:
    """Start a broker and subscribe to both subjects."""
    broker = await Broker.start()
    try:
        url = await broker.url()
        return NatsServer(await subscribe(url, desk), broker, url)
    except BaseException:
        await broker.stop()
        raise


async def subscribe(url: str, desk: Desk) -> Connection:
    """Let `desk` answer and count what comes through the broker."""
    connection = await nats.connect(url)

    async def answer(message: Msg) -> None:
        await message.respond(desk.answer(message.data))

    async def take(message: Msg) -> None:
        desk.take(len(message.data))

    await connection.subscribe(REQUESTS, cb=answer)
    await connection.subscribe(ONE_WAY, cb=take)
    await connection.flush()
    return connection


async def connect(address: dict[str, Any], variant: str) -> Client:
    """Connect to the broker."""
    return NatsClient(await nats.connect(address["url"]))
