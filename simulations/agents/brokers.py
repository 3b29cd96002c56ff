"""A stand-in for the brokers that people run: topics with queue groups as in NATS, durable queues as in AMQP.

It is a program on a machine of its own that clients reach over TCP streams of the simulated network. It keeps what a
broker promises, and no more: a topic's message goes to who is subscribed at that moment, at most once; a queue's
message stays, also while the broker is down, until a consumer has acknowledged it, and may come more than once. On top
of that it can be told to drop, duplicate and reorder what it hands out of topics, and to go down.

    to the broker     publish topic body          subscribe id topic group   unsubscribe id
                      push queue body number      consume id queue           acknowledge delivery
    to the client     message id topic body       pushed number              refused number
                      delivery id number body redelivered
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import msgspec

from ...wire.endpoint import Endpoint
from ..network.network import Network
from ..world import World
from .stream_bytes import Gatherer, pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Limits and vices of one broker."""

    queue_messages_max: int = 10_000
    """Messages that one queue holds; more are refused. Raising it costs memory."""
    unacknowledged_max: int = 16
    """Deliveries under way to one consumer. Raising it lets a slow consumer hold more back."""
    drop: float = 0.0
    """Share of a topic's messages that vanish on their way to one subscriber."""
    duplicate: float = 0.0
    reorder: float = 0.0
    """Share that come up to `reorder_s` late, and so behind later ones."""
    reorder_s: float = 1.0


class Client:
    """What the broker knows of one connection."""

    def __init__(self) -> None:
        self.gatherer = Gatherer()
        self.topics: dict[int, tuple[str, str]] = {}
        """Topic and group by the client's number of the subscription."""
        self.consumes: dict[int, str] = {}
        self.unacknowledged: dict[int, tuple[str, bytes]] = {}


class Broker:
    """Serve topics and queues at one endpoint."""

    def __init__(
        self,
        world: World,
        network: Network,
        index: int,
        endpoint: Endpoint,
        config: BrokerConfig | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.config = config or BrokerConfig()
        self.up = False
        self.queues: dict[str, deque[tuple[bytes, bool]]] = {}
        """Bodies that wait, and whether they were handed out before; they outlive the broker."""
        self.dropped = 0
        self._index = index
        self._world = world
        self._network = network
        self._random = world.random(index, "broker")
        self._clients: dict[Endpoint, Client] = {}
        self._deliveries = count(1)
        self._commands: dict[str, Callable[..., None]] = {
            "publish": self._publish,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "push": self._push,
            "consume": self._consume,
            "acknowledge": self._acknowledge,
        }

    def come_up(self) -> None:
        """Take connections."""
        if not self.up:
            self.up = True
            self._network.place_behind(self._index, None)
            self._network.attach(self.endpoint, self._index, self._received, self)

    def go_down(self) -> None:
        """Break all connections; subscriptions are lost, queues are kept."""
        if self.up:
            self.up = False
            for client in list(self._clients.values()):
                self._take_back(client)
            self._clients.clear()
            self._network.detach(self.endpoint)

    # what the network tells

    def stream_opened(self, endpoint: Endpoint) -> None:
        """This side opens none."""

    def stream_closed(self, endpoint: Endpoint) -> None:
        """Forget a client; what it has not acknowledged goes to others."""
        client = self._clients.pop(endpoint, None)
        if client is not None:
            self._take_back(client)
            self._hand_out_all()

    def _received(self, packet: bytes, source: Endpoint) -> None:
        if source.transport != "tcp":
            return
        client = self._clients.setdefault(source, Client())
        for _, command in client.gatherer.add(packet):
            verb, *arguments = msgspec.msgpack.decode(command)
            handle = self._commands.get(verb)
            if handle is not None:
                handle(client, source, *arguments)

    # topics

    def _subscribe(self, client: Client, source: Endpoint, number: int, topic: str, group: str) -> None:
        client.topics[number] = (topic, group)

    def _unsubscribe(self, client: Client, source: Endpoint, number: int) -> None:
        client.topics.pop(number, None)

    def _publish(self, client: Client, source: Endpoint, topic: str, body: bytes) -> None:
        groups: dict[str, list[tuple[Endpoint, int]]] = {}
        for endpoint, other in self._clients.items():
            for number, (wanted, group) in other.topics.items():
                if wanted == topic and group:
                    groups.setdefault(group, []).append((endpoint, number))
                elif wanted == topic:
                    self._hand_on(endpoint, number, topic, body)
        for members in groups.values():
            self._hand_on(*self._random.choice(members), topic, body)

    def _hand_on(self, endpoint: Endpoint, number: int, topic: str, body: bytes) -> None:
        config, random = self.config, self._random
        if config.drop and random.random() < config.drop:
            self.dropped += 1
            return
        copies = 2 if config.duplicate and random.random() < config.duplicate else 1
        for _ in range(copies):
            send = partial(self._send, endpoint, ["message", number, topic, body])
            if config.reorder and random.random() < config.reorder:
                self._world.call_at(self._world.now() + config.reorder_s * random.random(), send)
            else:
                send()

    # queues

    def _push(self, client: Client, source: Endpoint, queue: str, body: bytes, number: int) -> None:
        waiting = self.queues.setdefault(queue, deque())
        if len(waiting) >= self.config.queue_messages_max:
            self._send(source, ["refused", number])
            return
        waiting.append((body, False))
        self._send(source, ["pushed", number])
        self._hand_out(queue)

    def _consume(self, client: Client, source: Endpoint, number: int, queue: str) -> None:
        client.consumes[number] = queue
        self._hand_out(queue)

    def _acknowledge(self, client: Client, source: Endpoint, delivery: int) -> None:
        taken = client.unacknowledged.pop(delivery, None)
        if taken is not None:
            self._hand_out(taken[0])

    def _hand_out(self, queue: str) -> None:
        """Give what waits to consumers that have room, one after the other."""
        waiting = self.queues.get(queue)
        while waiting:
            takers = [
                (endpoint, client, number)
                for endpoint, client in self._clients.items()
                for number, wanted in client.consumes.items()
                if wanted == queue and len(client.unacknowledged) < self.config.unacknowledged_max
            ]
            if not takers:
                return
            endpoint, client, number = self._random.choice(takers)
            body, again = waiting.popleft()
            delivery = next(self._deliveries)
            client.unacknowledged[delivery] = (queue, body)
            self._send(endpoint, ["delivery", number, delivery, body, again])

    def _hand_out_all(self) -> None:
        for queue in self.queues:
            self._hand_out(queue)

    def _take_back(self, client: Client) -> None:
        """Put what a client did not acknowledge back to the front, in its order."""
        for queue, body in reversed(client.unacknowledged.values()):
            self.queues[queue].appendleft((body, True))
        client.unacknowledged.clear()

    def _send(self, endpoint: Endpoint, message: list[Any]) -> None:
        if self.up and endpoint in self._clients:
            for piece in pieces(0, msgspec.msgpack.encode(message)):
                self._network.send(piece, self._index, self.endpoint, endpoint)
