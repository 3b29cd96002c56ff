"""The registry of a simulated network: the real server on a machine of its own, called by the real client.

What is replaced is the socket between them: calls go over TCP streams of the simulated network (registry_calls.py),
as the bytes of an HTTP request and of its answer. So a call takes the round trips that it takes, is lost in a
partition, and meets the server's own limits. The registry can be down (calls are refused, or met with silence) and can
lie (lies.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from ...node.registry.config import RegistryConfig
from ...node.registry.server import RegistryServer
from ...wire.endpoint import Endpoint
from ..network.network import Network
from ..world import World
from .http_pipe import answer_bytes
from .sockets import Sockets
from .stream_bytes import Gatherer, pieces

REGISTRY_INDEX = 1
REGISTRY_HOST = "10.0.0.1"
REGISTRY_PORT = 4567

Lie = Callable[[bytes, bytes], bytes]
"""Given a request and the honest answer, both in HTTP: what is answered instead."""


class SimulatedRegistry:
    """One registry service and its machine."""

    def __init__(
        self, world: World, network: Network, sockets: Sockets, config: RegistryConfig | None = None
    ) -> None:
        self.endpoint = Endpoint("udp", REGISTRY_HOST, REGISTRY_PORT)
        self.url = f"http://{REGISTRY_HOST}:{REGISTRY_PORT}"
        self.lie: Lie | None = None
        """Set, it answers for the honest service."""
        self.calls = 0
        self._world = world
        self._network = network
        self._sockets = sockets
        self._uuids = world.random(REGISTRY_INDEX, "uuids")
        self._server = RegistryServer(
            str(self.endpoint._replace(transport="tcp")),
            config=config,
            clock=world.now,
            random=world.random(REGISTRY_INDEX, "registry"),
            new_uuid=lambda: UUID(bytes=self._uuids.randbytes(16), version=4),
        )
        self._reachable = False
        self._silent = False
        self._gatherers: dict[Endpoint, Gatherer] = {}
        self._answering: dict[asyncio.Task[None], None] = {}

    async def start(self) -> None:
        """Start the service and let it be reached."""
        await self._server.start()
        self.come_up()

    async def stop(self) -> None:
        """End the service."""
        self.go_down()
        for task in list(self._answering):
            task.cancel()
        await self._server.stop()

    @property
    def up(self) -> bool:
        """Tell whether calls are answered."""
        return self._reachable and not self._silent

    def go_down(self, *, silent: bool = False) -> None:
        """Refuse every call, or say nothing. What is listed stays, and ends when its life is over."""
        self._silent = silent
        if not silent and self._reachable:
            self._reachable = False
            self._gatherers.clear()
            self._network.detach(self.endpoint)

    def come_up(self) -> None:
        """Answer again."""
        self._silent = False
        if not self._reachable:
            self._reachable = True
            self._network.place_behind(REGISTRY_INDEX, None)
            self._network.attach(self.endpoint, REGISTRY_INDEX, self._received, self)

    # what the network tells

    def stream_opened(self, endpoint: Endpoint) -> None:
        """This side opens none."""

    def stream_closed(self, endpoint: Endpoint) -> None:
        """Forget a caller."""
        self._gatherers.pop(endpoint, None)

    def _received(self, packet: bytes, source: Endpoint) -> None:
        if self._silent or source.transport != "tcp":
            return
        for number, request in self._gatherers.setdefault(source, Gatherer()).add(packet):
            task = asyncio.get_running_loop().create_task(self._answer(number, request, source))
            self._answering[task] = None
            task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.pop(task, None)

    async def _answer(self, number: int, request: bytes, caller: Endpoint) -> None:
        self.calls += 1
        listener = self._sockets.listeners[(REGISTRY_HOST, REGISTRY_PORT)]
        answer = await answer_bytes(listener, request, (caller.host, caller.port))
        if self.lie is not None:
            answer = self.lie(request, answer)
        if self.up:
            for piece in pieces(number, answer):
                self._network.send(piece, REGISTRY_INDEX, self.endpoint, caller)
