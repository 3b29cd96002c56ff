"""Packets are held back for the delay of their pair, counted, and lost as often as asked for."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, cast

import pytest

from mesh99.node.asyncio_host import AsyncioHost
from mesh99.simulations.network.delays import Fixed
from mesh99.simulations.processes.delayed_network import DelayedNetwork, Directory
from mesh99.wire.endpoint import Endpoint

KNOWN = Endpoint("udp", "127.0.0.1", 7400)
STRANGER = Endpoint("udp", "127.0.0.1", 7401)


class FakeHost:
    """Notes what is sent, and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, bytes, Endpoint]] = []
        self.loop = self
        self.now_s = 0.0

    def send(self, packet: bytes, destination: Endpoint) -> None:
        self.sent.append((self.now_s, packet, destination))

    def call_later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> None:
        self.now_s = delay_s
        callback(*args)
        self.now_s = 0.0


def _network(host: FakeHost, jitter: float = 0.0, loss: float = 0.0) -> DelayedNetwork:
    directory = Directory()
    directory.index_of[KNOWN] = 2
    real_host = cast(AsyncioHost, host)
    return DelayedNetwork(real_host, 1, directory, Fixed(0.2), jitter=jitter, loss=loss, random=Random(1))


def test_a_packet_leaves_after_the_delay_of_its_pair() -> None:
    host = FakeHost()
    network = _network(host)
    network.send(b"12345", KNOWN)
    assert host.sent == [(0.2, b"12345", KNOWN)]
    assert (network.packets, network.bytes) == (1, 33)


def test_a_packet_to_a_stranger_leaves_at_once() -> None:
    host = FakeHost()
    _network(host).send(b"1", STRANGER)
    assert host.sent == [(0.0, b"1", STRANGER)]


def test_jitter_adds_up_to_its_share() -> None:
    host = FakeHost()
    network = _network(host, jitter=0.5)
    for _ in range(100):
        network.send(b"1", KNOWN)
    delays = [at for at, _, _ in host.sent]
    assert 0.2 <= min(delays) < 0.21
    assert 0.29 < max(delays) <= 0.3


def test_lost_packets_count_as_sent_and_never_leave() -> None:
    host = FakeHost()
    network = _network(host, loss=0.5)
    for _ in range(1000):
        network.send(b"1", KNOWN)
    assert network.packets == 1000
    assert len(host.sent) == pytest.approx(500, abs=80)
