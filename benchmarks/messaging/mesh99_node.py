"""mesh99 as an agent uses it: two Nodes, typed and validated messages, encrypted."""

from __future__ import annotations

import asyncio
from typing import Any

from mesh99.node.config import NodeConfig
from mesh99.node.messages import Message
from mesh99.node.node import Node

from .desk import Desk
from .mesh99_session import PATH_TIMEOUT_S, config_for
from .systems import Client, Server


class Question(Message):
    """A request."""

    payload: bytes


class Reply(Message):
    """The answer to a request."""

    payload: bytes


class OneWay(Message):
    """A message without an answer."""

    payload: bytes


class NodeServer:
    """The answering end."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.address: dict[str, Any] = {"peer": str(node.endpoints[0]), "node_id": str(node.node_id)}

    async def close(self) -> None:
        """Stop the node."""
        await self._node.stop()


class NodeClient:
    """The asking end."""

    def __init__(self, node: Node, to: str) -> None:
        self._node = node
        self._to = to

    async def request(self, payload: bytes) -> bytes:
        """Ask."""
        reply = await self._node.request(Question(payload=payload), to=self._to, reply=Reply)
        return bytes(reply.payload)

    async def send_burst(self, payload: bytes, count: int) -> None:
        """Send; the node makes the sender wait when the line is full."""
        send, to = self._node.send, self._to
        for _ in range(count):
            await send(OneWay(payload=payload), to=to)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop the node."""
        await self._node.stop()


async def serve(desk: Desk, variant: str) -> Server:
    """Start a node that answers."""
    node = Node("server", registries=(), config=NodeConfig(overlay=config_for(variant)))

    @node.on(Question)
    async def answer(question: Question) -> Reply:
        return Reply(payload=desk.answer(question.payload))

    @node.on(OneWay)
    async def take(message: OneWay) -> None:
        desk.take(len(message.payload))

    await node.start()
    return NodeServer(node)


async def connect(address: dict[str, Any], variant: str) -> Client:
    """Start a node that joins through the server; wait until its session is on the transport asked for."""
    config = NodeConfig(overlay=config_for(variant))
    node = Node("client", registries=(), peers=(address["peer"],), config=config)
    await node.start()
    path = "tcp" if variant == "tcp" else "direct"
    async with asyncio.timeout(PATH_TIMEOUT_S):
        while path not in [peer.path for peer in node.peers()]:
            await asyncio.sleep(0.01)
    return NodeClient(node, address["node_id"])
