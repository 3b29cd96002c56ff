"""A shim that holds every datagram between two nodes back for as long as their pair is apart, and loses some.

A node bound to port p of 127.0.0.1 appears to all others at port p of 127.0.1.1, where the shim has a socket for it.
What arrives there is by its sender's port from a known node; it leaves, later, through the socket of that sender. So
replies and contacts named in messages lead through the shim as well, as behind a NAT of the open kind.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

INSIDE, OUTSIDE = "127.0.0.1", "127.0.1.1"
ONE_WAY_S_MIN, ONE_WAY_S_MAX = 0.005, 0.045
LOSS = 0.01
DATAGRAM_MAX = 65_535
BUFFER_BYTES = 4 * 1024 * 1024  # a burst of a whole network must not be lost here
READS_AT_ONCE = 64  # of one socket, before what is due is sent
LATENESS_KEPT = 100_000
Address = tuple[str, int]


class Waiting(NamedTuple):
    """A datagram under way; `number` keeps the order of those that are due together."""

    due_s: float
    number: int
    leaves_by: socket.socket
    to: Address
    data: bytes


class Shim:
    """All nodes of one network, and what is under way between them."""

    def __init__(self, seed: int) -> None:
        self.lateness_s: list[float] = []
        self.passed = 0
        self._seed = seed
        self._losses = Random(seed)
        self._doors: dict[int, socket.socket] = {}
        self._port_of: dict[int, int] = {}
        self._index_of: dict[int, int] = {}
        self._delays_s: dict[tuple[int, int], float] = {}
        self._under_way: list[Waiting] = []

    def add(self, ports: Sequence[int]) -> list[Address]:
        """Open a door for each node that is bound to a port of 127.0.0.1; return where others find it."""
        for port in ports:
            door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                door.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
            door.setblocking(False)
            door.bind((OUTSIDE, port))
            self._doors[port] = door
            self._port_of[door.fileno()] = port
            self._index_of[port] = len(self._index_of)
        return [(OUTSIDE, port) for port in ports]

    def turn(self, also: int) -> bool:
        """Wait for datagrams or for one to be due, and carry them on; tell whether `also` can be read."""
        wait_s = max(0.0, self._under_way[0].due_s - time.monotonic()) if self._under_way else None
        # Not epoll, which waits in whole milliseconds.
        readable, _, _ = select.select([also, *self._port_of], [], [], wait_s)
        for descriptor in readable:
            if descriptor != also:
                self._read(self._port_of[descriptor])
        self._send_due()
        return also in readable

    def close(self) -> None:
        """Close all doors."""
        for door in self._doors.values():
            door.close()

    def one_way_s(self, sender: int, receiver: int) -> float:
        """Return the delay between two ports, the same in both directions."""
        pair = (sender, receiver) if sender < receiver else (receiver, sender)
        delay_s = self._delays_s.get(pair)
        if delay_s is None:
            low, high = sorted((self._index_of[sender], self._index_of[receiver]))
            drawn = Random(f"{self._seed} {low} {high}").uniform(ONE_WAY_S_MIN, ONE_WAY_S_MAX)
            delay_s = self._delays_s[pair] = drawn
        return delay_s

    def _read(self, receiver: int) -> None:
        door = self._doors[receiver]
        for _ in range(READS_AT_ONCE):
            try:
                data, (_, sender) = door.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # an earlier datagram met a killed node
                continue
            if sender in self._doors and self._losses.random() >= LOSS:
                due_s = time.monotonic() + self.one_way_s(sender, receiver)
                self.passed += 1
                waiting = Waiting(due_s, self.passed, self._doors[sender], (INSIDE, receiver), data)
                heappush(self._under_way, waiting)

    def _send_due(self) -> None:
        now_s = time.monotonic()
        while self._under_way and self._under_way[0].due_s <= now_s:
            waiting = heappop(self._under_way)
            if len(self.lateness_s) < LATENESS_KEPT:
                self.lateness_s.append(now_s - waiting.due_s)
            try:
                waiting.leaves_by.sendto(waiting.data, waiting.to)
            except (BlockingIOError, ConnectionRefusedError):  # lost, as a router would lose it
                continue
