"""How often a socket is read: once for datagrams that come one by one, to the end for those that come together."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import pytest

from mesh99.node.datagram_socket import LOOK_EVERY, DatagramSocket

SOURCE = ("127.0.0.1", 7400)


class Wire:
    """A socket and a loop at once: datagrams lie in it, and each read is counted."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.reads = 0
        self.family = socket.AF_INET
        self.readable: Any = None

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        self.reads += 1
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.pop(0), SOURCE

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def setsockopt(self, *option: int) -> None:
        """Take any."""

    def fileno(self) -> int:
        return 3

    def add_reader(self, fileno: int, callback: Any) -> None:
        self.readable = callback

    def come(self, *packets: bytes) -> int:
        """Let datagrams come and wake the reader as a loop does, until all are read; return how many reads it took."""
        before = self.reads
        self.waiting += packets
        while self.waiting:
            self.readable()
        return self.reads - before


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def taken(wire: Wire) -> list[bytes]:
    taken: list[bytes] = []
    loop = cast("asyncio.AbstractEventLoop", wire)
    DatagramSocket(
        cast("socket.socket", wire), lambda packet, _: taken.append(packet), lambda: None, loop=loop
    )
    return taken


def test_those_that_come_one_by_one_are_mostly_read_once(wire: Wire, taken: list[bytes]) -> None:
    reads = [wire.come(b"one") for _ in range(4 * LOOK_EVERY)]
    assert len(taken) == 4 * LOOK_EVERY
    assert reads[1:].count(2) == 4, "every eighth time it is looked whether there are more"
    assert set(reads) == {1, 2}


def test_those_that_come_together_are_soon_read_together(wire: Wire, taken: list[bytes]) -> None:
    wire.come(b"one")
    together = [b"%d" % number for number in range(2 * LOOK_EVERY)]
    wire.come(*together)
    assert taken[1:] == together
    wakes: list[int] = []
    readable = wire.readable
    wire.readable = lambda: wakes.append(1) or readable()
    wire.come(*together)
    assert taken[1:] == 2 * together
    assert len(wakes) == 1
