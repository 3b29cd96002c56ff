"""UDP sockets beside the main one, on the loopback."""

from __future__ import annotations

import asyncio
import socket

import pytest

from mesh99.node.extra_sockets import ExtraSockets
from mesh99.wire.endpoint import Endpoint

LOOPBACK = Endpoint("udp", "127.0.0.1", 0)


class Extra:
    """Extra sockets, what came in through them, and a peer."""

    def __init__(self, sockets_max: int = 8) -> None:
        self.came: asyncio.Queue[tuple[bytes, Endpoint]] = asyncio.Queue()
        told = (lambda packet, source: self.came.put_nowait((packet, source)), lambda: None, lambda: None)
        self.sockets = ExtraSockets(LOOPBACK, *told, sockets_max=sockets_max)
        self._peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer.bind(("127.0.0.1", 0))
        self._peer.settimeout(5.0)
        self.peer = Endpoint("udp", *self._peer.getsockname())

    async def heard(self) -> tuple[bytes, tuple[str, int]]:
        """Return what the peer has got, and from where."""
        packet, source = await asyncio.to_thread(self._peer.recvfrom, 100)
        return packet, source

    def answer(self, packet: bytes, to: tuple[str, int]) -> None:
        self._peer.sendto(packet, to)

    def close(self) -> None:
        self.sockets.close()
        self._peer.close()


def test_what_comes_back_names_the_socket_that_it_came_through() -> None:
    async def run() -> None:
        extra = Extra()
        sources = {}
        for number in (1, 7):
            extra.sockets.send(b"out", extra.peer.through(number))
            sources[number] = (await extra.heard())[1]
        assert sources[1] != sources[7]
        for number, source in sources.items():
            extra.answer(b"back", source)
            assert await asyncio.wait_for(extra.came.get(), 5.0) == (b"back", extra.peer.through(number))
        extra.close()

    asyncio.run(run())


def test_a_socket_is_used_again_until_it_is_closed() -> None:
    async def run() -> None:
        extra = Extra()
        sources = []
        for _ in range(2):
            extra.sockets.send(b"out", extra.peer.through(3))
            sources.append((await extra.heard())[1])
        assert sources[0] == sources[1]
        extra.sockets.close_one(3)
        extra.sockets.close_one(3)
        assert len(extra.sockets) == 0
        extra.close()

    asyncio.run(run())


def test_there_are_no_more_than_allowed() -> None:
    async def run() -> None:
        extra = Extra(sockets_max=2)
        for number in (1, 2, 3):
            extra.sockets.send(b"out", extra.peer.through(number))
        assert len(extra.sockets) == 2
        extra.close()
        assert len(extra.sockets) == 0

    asyncio.run(run())


def test_without_open_files_left_a_packet_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(beside: Endpoint) -> socket.socket:
        raise OSError(24, "Too many open files")

    async def run() -> None:
        extra = Extra()
        monkeypatch.setattr("mesh99.node.extra_sockets.bind_extra", refuse)
        extra.sockets.send(b"out", extra.peer.through(1))
        assert len(extra.sockets) == 0
        extra.close()

    asyncio.run(run())
