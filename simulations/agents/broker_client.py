"""A client of a simulated broker: what the transports for real brokers will stand on in simulations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec

from ...wire.endpoint import Endpoint
from ...wire.errors import Unreachable
from .host import AgentHost
from .stream_bytes import Gatherer, pieces

OnMessage = Callable[[str, bytes], None]
"""Told the topic and the body."""

OnDelivery = Callable[[bytes, bool, Callable[[], None]], None]
"""Told the body, whether it may have come before, and how to acknowledge it."""


class BrokerLost(Unreachable):
    """The broker is not there, or has gone."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(f"no connection to the broker at {endpoint}")
        self.endpoint = endpoint


class BrokerClient:
    """One connection of one host; lost connections are not made again by themselves."""

    def __init__(self, host: AgentHost, broker: Endpoint) -> None:
        self.connected = False
        self._host = host
        self._remote = broker._replace(transport="tcp")
        self._gatherer = Gatherer()
        self._numbers = count(1)
        self._opening: asyncio.Future[bool] | None = None
        self._on_message: dict[int, OnMessage] = {}
        self._on_delivery: dict[int, OnDelivery] = {}
        self._pushed: dict[int, asyncio.Future[bool]] = {}
        host.use_stream(self._remote, self)

    async def connect(self) -> None:
        """Open the connection; raises BrokerLost when it is refused."""
        self._opening = self._host.loop.create_future()
        self._host.open_stream(self._remote)
        if not await self._opening:
            raise BrokerLost(self._remote)

    def close(self) -> None:
        """End the connection."""
        self._host.close_stream(self._remote)

    def publish(self, topic: str, body: bytes) -> None:
        """Send to whoever is subscribed now; nobody says whether it came."""
        self._command("publish", topic, body)

    def subscribe(self, topic: str, told: OnMessage, *, group: str = "") -> int:
        """Hear a topic from now on; within a group, each message goes to one of its members."""
        number = next(self._numbers)
        self._on_message[number] = told
        self._command("subscribe", number, topic, group)
        return number

    def unsubscribe(self, number: int) -> None:
        """Hear it no more."""
        self._on_message.pop(number, None)
        self._command("unsubscribe", number)

    async def push(self, queue: str, body: bytes) -> bool:
        """Put a message into a durable queue; false when it is full, raises BrokerLost when nobody knows."""
        number = next(self._numbers)
        self._pushed[number] = self._host.loop.create_future()
        self._command("push", queue, body, number)
        return await self._pushed[number]

    def consume(self, queue: str, told: OnDelivery) -> None:
        """Take messages of a queue from now on."""
        number = next(self._numbers)
        self._on_delivery[number] = told
        self._command("consume", number, queue)

    # what the host tells

    def opened(self) -> None:
        """The connection stands."""
        self.connected = True
        if self._opening is not None and not self._opening.done():
            self._opening.set_result(True)

    def closed(self) -> None:
        """The connection is gone, or never came: whoever waits is told, and subscriptions have ended."""
        self.connected = False
        self._gatherer = Gatherer()
        self._on_message.clear()
        self._on_delivery.clear()
        if self._opening is not None and not self._opening.done():
            self._opening.set_result(False)
        pushed, self._pushed = self._pushed, {}
        for future in pushed.values():
            if not future.done():
                future.set_exception(BrokerLost(self._remote))

    def received(self, packet: bytes) -> None:
        """Take a piece of what the broker sends."""
        for _, message in self._gatherer.add(packet):
            self._take(*msgspec.msgpack.decode(message))

    def _take(self, verb: str, number: int, *rest: Any) -> None:
        if verb == "message" and number in self._on_message:
            self._on_message[number](*rest)
        elif verb == "delivery" and number in self._on_delivery:
            delivery, body, again = rest
            self._on_delivery[number](body, again, lambda: self._command("acknowledge", delivery))
        elif verb in ("pushed", "refused"):
            future = self._pushed.pop(number, None)
            if future is not None and not future.done():
                future.set_result(verb == "pushed")

    def _command(self, *command: Any) -> None:
        if not self.connected:
            raise BrokerLost(self._remote)
        for piece in pieces(0, msgspec.msgpack.encode(command)):
            self._host.send(piece, self._remote)
