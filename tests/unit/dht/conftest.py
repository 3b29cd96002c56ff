"""A network of Dht objects on a virtual clock: seeded, in one heap, every datagram through its bytes."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random
from typing import Protocol, TypeVar

import pytest

from mesh99.dht import Dht, DhtConfig, GetResult, LookupResult, PutResult
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity, NodeId, PublicKey
from mesh99.wire.record import Record

T = TypeVar("T")
LATENCY_S = (0.0002, 0.0006)


class VirtualNode:
    """A Dht with an address; stands in for its overlay."""

    def __init__(self, network: VirtualNetwork, index: int, config: DhtConfig) -> None:
        self.network = network
        self.identity = Identity(blake2b(f"{network.seed}:{index}".encode(), digest_size=32).digest())
        self.contact = Contact(self.identity.public_key, Endpoint("udp", network.host_of(index), 7400))
        self.node_id = self.contact.node_id
        self.dht = Dht(self.identity, config, Random(f"{network.seed}:{index}:dht"), network.now)
        self.alive = True
        self.met: dict[NodeId, None] = {}
        self.wake_at = float("inf")

    def pump(self) -> None:
        """Send what the Dht wants sent and set its alarm."""
        for request in self.dht.take_requests():
            self.network.send(self, request.contact, request.payload, self._deliver_request)
        wake_at = self.dht.next_timeout()
        if wake_at is not None and wake_at < self.wake_at:
            self.wake_at = wake_at
            self.network.at(wake_at, self._wake)

    def _wake(self) -> None:
        if self.alive and self.network.now >= self.wake_at:
            self.wake_at = float("inf")
            self.dht.handle_timeout(self.network.now)
            self.pump()

    def _deliver_request(self, to: VirtualNode, payload: bytes) -> None:
        reply = to.dht.receive(payload, self.contact, self.network.now)
        assert reply is not None
        self.network.send(to, self.contact, reply, to._deliver_reply)
        to.pump()

    def _deliver_reply(self, to: VirtualNode, payload: bytes) -> None:
        assert to.dht.receive(payload, self.contact, self.network.now) is None
        to.pump()
        if to.node_id not in self.met:  # the session is confirmed by the next packet
            self.network.send(to, self.contact, b"", to._confirm)

    def _confirm(self, to: VirtualNode, _: bytes) -> None:
        to.met[self.node_id] = None
        to.dht.verified(self.contact, self.network.now)
        to.pump()


class VirtualNetwork:
    """The clock, the wires and the nodes."""

    def __init__(self, seed: int, loss: float = 0.0) -> None:
        self.seed = seed
        self.loss = loss
        self.now = 0.0
        self.nodes: list[VirtualNode] = []
        self.datagrams = 0
        self.bytes = 0
        self._random = Random(f"{seed}:network")
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self.drop: Callable[[VirtualNode, Contact, bytes], bool] = lambda source, to, payload: False
        self.host_of: Callable[[int], str] = lambda index: f"10.0.{index // 250}.{index % 250 + 1}"
        self._digest = blake2b(digest_size=16)
        self._by_id: dict[NodeId, VirtualNode] = {}

    @property
    def digest(self) -> str:
        """The hash of every datagram with its time and its ends."""
        return self._digest.hexdigest()

    def at(self, when: float, callback: Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._heap, (when, self._sequence, callback))

    def send(
        self, source: VirtualNode, to: Contact, payload: bytes, deliver: Callable[[VirtualNode, bytes], None]
    ) -> None:
        assert len(payload) <= 1150
        self.datagrams += 1
        self.bytes += len(payload)
        self._digest.update(f"{self.now:.9f} {source.contact.endpoint} {to.endpoint} ".encode() + payload)
        if self._random.random() < self.loss or self.drop(source, to, payload):
            return
        receiver = self._by_id[to.node_id]
        delay_s = self._random.uniform(*LATENCY_S)
        self.at(self.now + delay_s, lambda: deliver(receiver, payload) if receiver.alive else None)

    def get(self, node: VirtualNode, key: bytes, owner: PublicKey | None = None, want: int = 1) -> GetResult:
        """Get from a node and wait for the result."""
        results: list[GetResult] = []
        node.dht.get(key, self.now, results.append, owner=owner, want=want)
        return self._result(node, results)

    def put(self, node: VirtualNode, record: Record) -> PutResult:
        """Put from a node and wait for the result."""
        results: list[PutResult] = []
        node.dht.put(record, self.now, results.append)
        return self._result(node, results)

    def find_node(self, node: VirtualNode, target: bytes) -> LookupResult:
        """Look up from a node and wait for the result."""
        results: list[LookupResult] = []
        node.dht.find_node(target, self.now, results.append)
        return self._result(node, results)

    def _result(self, node: VirtualNode, results: list[T]) -> T:
        node.pump()
        self.run_until(lambda: bool(results))
        return results[0]

    def run(self, duration_s: float) -> None:
        end = self.now + duration_s
        while self._heap and self._heap[0][0] <= end:
            self.now, _, callback = heappop(self._heap)
            callback()
        self.now = end

    def run_until(self, condition: Callable[[], bool], timeout_s: float = 30.0) -> float:
        """Run until a condition holds; return how long that took."""
        start = self.now
        for node in self.nodes:
            node.pump()
        while not condition():
            assert self._heap, "nothing will ever happen"
            assert self._heap[0][0] <= start + timeout_s, "took too long"
            self.now, _, callback = heappop(self._heap)
            callback()
        return self.now - start

    def add(self, count: int, config: DhtConfig | None = None) -> list[VirtualNode]:
        """Add nodes that know nobody."""
        added = [VirtualNode(self, len(self.nodes) + i, config or DhtConfig()) for i in range(count)]
        self.nodes += added
        for node in added:
            self._by_id[node.node_id] = node
        return added

    def join(self, count: int, config: DhtConfig | None = None) -> list[float]:
        """Add nodes and let each bootstrap from the first one, all within a second; return the join times."""
        times: list[float] = []
        added = self.add(count, config)
        seed = self.nodes[0]
        for position, node in enumerate(added):
            if node is not seed:
                self.at(self.now + position / count, lambda node=node: self._bootstrap(node, seed, times))
        expected = len([node for node in added if node is not seed])
        self.run_until(lambda: len(times) == expected)
        return times

    def _bootstrap(self, node: VirtualNode, seed: VirtualNode, times: list[float]) -> None:
        begin = self.now
        node.dht.verified(seed.contact, self.now)
        seed.dht.verified(node.contact, self.now)
        node.dht.bootstrap(self.now, lambda result: times.append(self.now - begin))
        node.pump()
        seed.pump()


class MakeContact(Protocol):
    """Make the contact of a node whose id is a chosen number."""

    def __call__(self, number: int, host: str = "127.0.0.1", port: int = 7400) -> Contact: ...


@pytest.fixture
def make_contact() -> MakeContact:
    def make(number: int, host: str = "127.0.0.1", port: int = 7400) -> Contact:
        contact = Contact(PublicKey(number.to_bytes(32, "big")), Endpoint("udp", host, port))
        contact.node_id = NodeId(number.to_bytes(32, "big"))
        return contact

    return make


@pytest.fixture
def virtual_network() -> type[VirtualNetwork]:
    return VirtualNetwork


@pytest.fixture
def reader(virtual_network: type[VirtualNetwork]) -> Callable[[bytes], tuple[VirtualNetwork, VirtualNode]]:
    """Give a network of thirty in which one has put a record under a key, and another that does not hold it."""

    def made(key: bytes) -> tuple[VirtualNetwork, VirtualNode]:
        network = virtual_network(seed=11)
        network.join(30)
        network.run(3.0)
        author, other = network.nodes[3], network.nodes[20]
        network.put(author, Record.create(author.identity, key, b"blue", sequence=1, ttl_s=3600))
        network.run(1.0)
        other.dht.store.expire(float("inf"))
        return network, other

    return made
