"""Sockets of programs on the virtual loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents_world import AgentsWorld


class Echo(asyncio.DatagramProtocol):
    """Keep what comes; send it back when told to."""

    def __init__(self, answers: bool = False) -> None:
        self.heard: list[tuple[bytes, tuple[str, int]]] = []
        self.lost = False
        self._answers = answers

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append((data, addr))
        if self._answers:
            self.transport.sendto(data.upper(), addr)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def bind(agents: AgentsWorld, host: str, answers: bool = False) -> Echo:
    _, protocol = await agents.loop.create_datagram_endpoint(lambda: Echo(answers), local_addr=(host, 9000))
    return protocol


def test_a_datagram_goes_to_where_it_is_sent_and_back(agents: AgentsWorld) -> None:
    async def program() -> tuple[Echo, Echo, float]:
        asker, answerer = await bind(agents, "10.0.0.2"), await bind(agents, "10.0.0.3", answers=True)
        asker.transport.sendto(b"hello", ("10.0.0.3", 9000))
        await asyncio.sleep(1)
        return asker, answerer, agents.network.delay_s(2, 3)

    asker, answerer, delay_s = agents.run(program())
    assert answerer.heard == [(b"hello", ("10.0.0.2", 9000))]
    assert asker.heard == [(b"HELLO", ("10.0.0.3", 9000))]
    assert delay_s > 0
    assert agents.network.bytes_sent[2] == agents.network.bytes_sent[3] > 0
    assert asker.transport.get_extra_info("sockname") == ("10.0.0.2", 9000)


def test_a_closed_socket_sends_and_hears_nothing(agents: AgentsWorld) -> None:
    async def program() -> tuple[Echo, Echo]:
        closed, other = await bind(agents, "10.0.0.2"), await bind(agents, "10.0.0.3")
        closed.transport.close()
        closed.transport.close()
        assert closed.transport.is_closing()
        closed.transport.sendto(b"too late", ("10.0.0.3", 9000))
        other.transport.sendto(b"nobody there", ("10.0.0.2", 9000))
        await asyncio.sleep(1)
        return closed, other

    closed, other = agents.run(program())
    assert (closed.heard, other.heard, closed.lost) == ([], [], True)


def test_a_socket_says_on_which_machine_it_is(agents: AgentsWorld) -> None:
    with pytest.raises(ValueError, match="needs local_addr"):
        agents.run(agents.loop.create_datagram_endpoint(Echo))


def test_a_port_is_listened_at_once(agents: AgentsWorld) -> None:
    async def program() -> None:
        first = await agents.loop.create_server(asyncio.Protocol, "10.0.0.2", 80)
        with pytest.raises(OSError, match="in use"):
            await agents.loop.create_server(asyncio.Protocol, "10.0.0.2", 80)
        first.close()
        await first.wait_closed()
        await agents.loop.create_server(asyncio.Protocol, "10.0.0.2", 80)

    agents.run(program())
