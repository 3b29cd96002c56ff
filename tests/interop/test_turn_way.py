"""Nodes that send all their UDP through a real coturn, over UDP and over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from free_port import free_port
from real_coturn import coturn

from mesh99.nat.turn.account import TurnAccount
from mesh99.node import Message, Node, NodeConfig
from mesh99.node.asyncio_host import HostConfig
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import TurnRefused, Unreachable

USERS = ("-a", "-u", "ann:secret")
DEADLINE_S = 30.0


class Question(Message):
    """Anything."""

    text: str


class Answer(Message):
    """The same, and where it was said."""

    text: str


def node(
    name: str, server: Endpoint, transport: str, peers: tuple[str, ...], password: str = "secret"
) -> Node:
    account = TurnAccount(server.host, server.port, transport, "ann", password)
    config = NodeConfig(host=HostConfig(turn=account), port_mapping=False)
    made = Node(name, config=config, registries=[], peers=peers)

    @made.on(Question)
    async def answer(question: Question) -> Answer:
        return Answer(text=f"{name}: {question.text}")

    return made


def seed() -> Node:
    return Node("seed", registries=[], config=NodeConfig(port_mapping=False))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_nodes_talk_from_the_servers_address(tmp_path: Path, transport: str) -> None:
    async with coturn(tmp_path, *USERS) as server, seed() as first:
        peers = (str(first.endpoints[0]),)
        async with started(server, transport, peers) as (one, other):
            assert one.endpoints[0].port != other.endpoints[0].port
            await answer(one, other, "a node publishes itself after it has started")
            for count in range(40):  # enough for a channel to be bound in between
                asked = await one.request(Question(text=str(count)), to=other.node_id, reply=Answer)
                assert asked.text == f"other: {count}"
            [seen] = [peer for peer in one.peers() if peer.node_id == other.node_id.text]
            assert seen.endpoint == str(other.endpoints[0])
            whole = "x" * 200_000
            asked = await other.request(Question(text=whole), to=one.node_id, reply=Answer)
            assert asked.text == f"one: {whole}"


async def test_a_node_gets_another_address_when_the_server_was_restarted(tmp_path: Path) -> None:
    port = free_port()
    async with seed() as first:
        peers = (str(first.endpoints[0]),)
        stack = AsyncExitStack()
        async with coturn(tmp_path, *USERS, port=port) as server:
            one, other = await stack.enter_async_context(started(server, "tcp", peers))
        async with stack:
            await until(lambda: not one.endpoints)
            async with coturn(tmp_path, *USERS, port=port):
                await until(lambda: bool(one.endpoints and other.endpoints))
                await answer(
                    one, other, "both have moved, and the line between them has to be given up first"
                )


async def answer(one: Node, other: Node, why_later: str) -> None:
    """Ask until there is an answer."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                asked: Answer = await one.request(Question(text=why_later), to=other.node_id, reply=Answer)
            except Unreachable:
                await asyncio.sleep(0.1)
            else:
                assert asked.text == f"other: {why_later}"
                return


async def test_a_wrong_password_ends_the_start(tmp_path: Path) -> None:
    async with coturn(tmp_path, *USERS) as server, started(server, "udp", ()):
        with pytest.raises(TurnRefused) as refused:
            await node("two", server, "udp", (), "wrong").start()
        assert refused.value.code == 401


@asynccontextmanager
async def started(
    server: Endpoint, transport: str, peers: tuple[str, ...]
) -> AsyncIterator[tuple[Node, Node]]:
    """Run two nodes, as soon as the server is up."""
    one, other = node("one", server, transport, peers), node("other", server, transport, peers)
    async with asyncio.timeout(DEADLINE_S):
        while not one.endpoints:
            try:
                await one.start()
            except TurnRefused:
                await asyncio.sleep(0.1)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(one.stop)
        yield one, await stack.enter_async_context(other)
