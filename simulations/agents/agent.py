"""One agent: a whole Node on a machine of its own, which offers a capability and asks others for theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ...dht.search import LookupResult
from ...node.config import NodeConfig
from ...node.messages import Message
from ...node.node import Node
from ...wire.endpoint import Endpoint
from ...wire.errors import LookupFailed, MeshError, NodeClosed
from .host import AgentHost, Machine
from .member import Lookup, Value

REQUEST_S = 5.0
"""How long an agent waits for a reply: what `Node.request` waits when it is not told."""


class Ask(Message, type_name="SimulatedAsk"):
    """Ask an agent for its work."""

    number: int


class Told(Message, type_name="SimulatedTold"):
    """What it made of the number, and who it is."""

    number: int
    capability: str


class Agent:
    """Run one Node, from its first start to its last stop."""

    def __init__(
        self, machine: Machine, capability: str, registries: Sequence[str], config: NodeConfig
    ) -> None:
        self.machine = machine
        self.capability = capability
        self.node: Node | None = None
        self.answered = 0
        self._registries = tuple(registries)
        self._config = config

    @property
    def node_id(self) -> bytes:
        """Its id."""
        return self.machine.identity.node_id

    @property
    def joined(self) -> bool:
        """Tell whether it is up and knows others."""
        overlay = self.host.overlay if self.host is not None else None
        return overlay is not None and self.node is not None and len(overlay.dht.table) > 0

    async def start(self, introducers: Sequence[Endpoint]) -> bool:
        """Start the node, which finds others through its registries; true when it found somebody."""
        self.node = node = Node(
            name=f"agent-{self.machine.index}",
            capabilities=[self.capability],
            registries=self._registries,
            config=self._config,
            identity=self.machine.identity,
            host=self.machine.host,
        )
        node.on(Ask)(self._answer)
        try:
            await node.start()
        except NodeClosed:
            return False
        return self.joined

    def cut_off(self, *, power_lost: bool) -> None:
        """Vanish from the network; stopping the node afterwards frees it and reaches nobody."""
        if self.host is not None:
            self.host.cut(power_lost)
        if power_lost:
            self.machine.disk.lose_unsynced(self.machine.world.now())

    async def stop(self) -> None:
        """Leave: withdraw, save contacts, say goodbye."""
        node, self.node = self.node, None
        if node is not None:
            await node.stop()

    async def look_up(self, target: bytes) -> Lookup:
        """Find the nodes nearest to an id."""
        host = self.host
        if self.node is None or host is None or host.overlay is None:
            raise NodeClosed("look up")
        future: asyncio.Future[LookupResult] = host.loop.create_future()

        def done(result: LookupResult) -> None:
            # Whoever switches the agent off has cancelled the waiting.
            if not future.done():
                future.set_result(result)

        host.overlay.dht.find_node(target, host.now(), done)
        host.kick()
        result = await future
        nearest = result.contacts[0].node_id if result.contacts else None
        return Lookup(nearest, result.depth, len(result.hops), result)

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Store a signed value, and keep it alive."""
        await self._running_node().put(key, value)

    async def get(self, key: str) -> Value:
        """Read the newest value under a key."""
        try:
            found = await self._running_node().get(key)
        except LookupFailed:
            return Value(None, 0)
        return Value(found.value, found.hops)

    async def ask(self, capability: str, number: int) -> bool:
        """Find an agent by capability and ask it; true when the right answer comes from one that offers it."""
        request = self._running_node().request(
            Ask(number=number), capability=capability, timeout_s=REQUEST_S, reply=Told
        )
        try:
            reply: Told = await request
        except NodeClosed:
            raise
        except MeshError:
            return False
        return reply.number == number + 1 and reply.capability == capability

    async def _answer(self, request: Ask) -> Told:
        self.answered += 1
        return Told(number=request.number + 1, capability=self.capability)

    def _running_node(self) -> Node:
        if self.node is None:
            raise NodeClosed("act")
        return self.node

    @property
    def host(self) -> AgentHost | None:
        """The host of the latest start."""
        return self.machine.running
