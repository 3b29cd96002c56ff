"""Ports of relayed transports: within their range, bound, given back."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import socket
from random import Random

import pytest

from mesh99.node.turn_ports import TurnPorts
from mesh99.wire.endpoint import IPV4, Endpoint

HOST = "127.0.0.9"  # loopback, but where nothing else of the tests binds


def make(first: int, last: int, seed: int = 1) -> TurnPorts:
    return TurnPorts({IPV4: HOST}, range(first, last + 1), Random(seed), lambda *_: None)


def close(ports: TurnPorts, opened: list[Endpoint]) -> None:
    for each in opened:
        ports.close(each)


async def test_every_port_of_the_range_is_given_once_and_then_none() -> None:
    ports, opened = make(51_000, 51_009), []
    while found := ports.open(IPV4, 1, even=False):
        opened += found
    assert sorted(each.port for each in opened) == list(range(51_000, 51_010))
    ports.close(opened[0])
    assert ports.open(IPV4, 1, even=False) == (opened[0],)
    close(ports, opened)


async def test_a_pair_begins_even_and_stays_in_the_range() -> None:
    ports, opened = make(51_001, 51_006), []
    while found := ports.open(IPV4, 2, even=True):
        opened += found
    assert sorted(each.port for each in opened) == [51_002, 51_003, 51_004, 51_005]
    assert [each.port for each in ports.open(IPV4, 1, even=True)] == [51_006]
    close(ports, [*opened, Endpoint("udp", HOST, 51_006)])


async def test_ports_of_others_are_passed_over_a_bounded_number_of_times() -> None:
    ports = make(51_000, 51_003)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 51_001))
        opened = [each for _ in range(4) for each in ports.open(IPV4, 1, even=False)]
        assert sorted(each.port for each in opened) == [51_000, 51_002, 51_003]
        close(ports, opened)
        assert ports.open(IPV4, 2, even=True) == (
            Endpoint("udp", HOST, 51_002),
            Endpoint("udp", HOST, 51_003),
        )
    close(ports, [Endpoint("udp", HOST, 51_002), Endpoint("udp", HOST, 51_003)])


async def test_ports_cannot_be_guessed_from_the_last_one() -> None:
    ports = make(52_000, 53_000)
    opened = [each for _ in range(8) for each in ports.open(IPV4, 1, even=False)]
    steps = {after.port - before.port for before, after in itertools.pairwise(opened)}
    assert len(steps) > 5
    close(ports, opened)


async def test_no_socket_left_is_no_free_port() -> None:
    ports = make(51_000, 51_009)
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 2, hard))
    try:
        opened = [each for _ in range(4) for each in ports.open(IPV4, 2, even=False)]
        assert len(opened) < 4
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        os.close(taken[0])
    close(ports, opened)
    assert len(ports.open(IPV4, 2, even=False)) == 2
    close(ports, list(ports._sockets))


async def test_packets_come_and_go() -> None:
    heard: asyncio.Queue[tuple[bytes, Endpoint, Endpoint]] = asyncio.Queue()
    ports = TurnPorts(
        {IPV4: HOST}, range(51_000, 51_010), Random(1), lambda *packet: heard.put_nowait(packet)
    )
    one, two = ports.open(IPV4, 2, even=True)
    assert ports.send(b"hello", one, two)
    assert await asyncio.wait_for(heard.get(), 10) == (b"hello", two, one)
    close(ports, [one, two])
    assert not ports.send(b"hello", one, two)


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("127.3.2.1", False), ("255.255.255.255", True), ("::1", True)]
)
def test_the_kernel_knows_its_own_addresses(host: str, own: bool) -> None:
    assert make(51_000, 51_001).is_own(host) is own
