"""Our TURN client against a real coturn."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
from real_coturn import coturn

from mesh99.nat.turn.client import TurnClient
from mesh99.nat.turn.client_credentials import ClientCredentials
from mesh99.nat.turn.credentials import time_limited_password
from mesh99.wire.endpoint import Endpoint

SECRET = "north"


class Socket:
    """Carry a client's packets, one call at a time."""

    def __init__(self, server: Endpoint, username: str, password: str) -> None:
        self.server = server
        self.heard: list[tuple[bytes, Endpoint]] = []
        self.told: list[bool] = []
        self.client = TurnClient(
            server,
            ClientCredentials(username, password),
            Random(),
            lambda payload, peer, now: self.heard.append((payload, peer)),
        )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))

    def done(self, stands: bool, now: float) -> None:
        self.told.append(stands)

    async def outcome(self) -> bool:
        """Run until something is told."""
        await self._run(lambda: bool(self.told))
        return self.told.pop()

    async def answer(self) -> tuple[bytes, Endpoint]:
        await self._run(lambda: bool(self.heard))
        return self.heard.pop()

    async def _run(self, is_over: object) -> None:
        async with asyncio.timeout(20):
            while not is_over():  # type: ignore[operator]
                self.client.handle_timeout(time.monotonic())
                for packet in self.client.take_packets():
                    self.send(packet)
                self._read()
                await asyncio.sleep(0.005)

    def _read(self) -> None:
        try:
            data, (host, port) = self._socket.recvfrom(2048)
        except (BlockingIOError, ConnectionError):
            return
        self.client.receive(data, Endpoint("udp", host, port), time.monotonic())

    def send(self, packet: bytes) -> None:
        self._socket.sendto(packet, (self.server.host, self.server.port))

    def close(self) -> None:
        self._socket.close()


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: object) -> None:
        self.transport.sendto(data, address)  # type: ignore[attr-defined]


@pytest.fixture
async def echo() -> AsyncIterator[Endpoint]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Echo, local_addr=("127.0.0.1", 0)
    )
    yield Endpoint("udp", *transport.get_extra_info("sockname"))
    transport.close()


@pytest.fixture
def opened() -> Iterator[list[Socket]]:
    sockets: list[Socket] = []
    yield sockets
    for each in sockets:
        each.close()


def time_limited() -> tuple[str, str]:
    name = f"{int(time.time()) + 600}:ann"
    return name, time_limited_password(SECRET, name)


async def test_a_coturn_relays_for_us(tmp_path: Path, echo: Endpoint, opened: list[Socket]) -> None:
    async with coturn(tmp_path, "-a", "-u", "ann:secret") as server:
        link = await allocated(server, "ann", "secret", opened)
        link.client.permit(echo, time.monotonic(), link.done)
        assert await link.outcome()
        link.send(link.client.send(b"in an indication", echo))
        assert await link.answer() == (b"in an indication", echo)
        link.client.bind(echo, time.monotonic(), link.done)
        assert await link.outcome()
        link.send(link.client.send(b"on a channel", echo))
        assert await link.answer() == (b"on a channel", echo)
        link.client.close(time.monotonic(), link.done)
        assert await link.outcome()


async def test_a_coturn_takes_our_time_limited_credentials(tmp_path: Path, opened: list[Socket]) -> None:
    async with coturn(tmp_path, "--use-auth-secret", "--static-auth-secret", SECRET) as server:
        link = await allocated(server, *time_limited(), opened)
        assert link.client.relayed is not None


async def test_a_coturn_refuses_a_wrong_password(tmp_path: Path, opened: list[Socket]) -> None:
    async with coturn(tmp_path, "-a", "-u", "ann:secret") as server:
        await allocated(server, "ann", "secret", opened)
        link = Socket(server, "ann", "wrong")
        opened.append(link)
        link.client.allocate(time.monotonic(), link.done)
        assert not await link.outcome()
        assert link.client.error is not None
        assert link.client.error[0] == 401


async def allocated(server: Endpoint, username: str, password: str, opened: list[Socket]) -> Socket:
    """Allocate as soon as the server is up."""
    link = Socket(server, username, password)
    opened.append(link)
    for _ in range(5):
        link.client.allocate(time.monotonic(), link.done)
        if await link.outcome():
            return link
    raise AssertionError(link.client.error)
