"""Republish traffic of one node that owns many keys: lookups and requests, one key at a time and by region.

    python -m benchmarks.dht.republish [nodes] [keys]

A network on a virtual clock, with real records, signatures and datagrams, full tables and 1 ms between any two nodes;
limits are the defaults. The keys are published, then renewed once; the renewal is counted. One key at a time is what a
node does that puts each record by itself, measured on every tenth key and multiplied.
"""

from __future__ import annotations

import sys
from collections import Counter
from heapq import heappop, heappush
from random import Random

from mesh99.dht import Dht, DhtConfig, PutResult
from mesh99.dht.messages import REQUESTS, FindNode
from mesh99.dht.reading import decode
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import Record, value_key

ONE_WAY_S = 0.001
TTL_S = 3600
SAMPLED = 10


class Network:
    """Nodes that know each other, datagrams on their way, and a count of requests."""

    def __init__(self, nodes: int) -> None:
        self.now = 0.0
        self.requests: Counter[str] = Counter()
        self.targets: set[tuple[NodeId, bytes]] = set()
        self._heap: list[tuple[float, int, NodeId, NodeId, bytes]] = []
        self._sent = 0
        identities = [Identity(index.to_bytes(32, "big")) for index in range(1, nodes + 1)]
        self.owner = identities[0]
        self.contacts = {
            identity.node_id: Contact(
                identity.public_key, Endpoint("udp", f"10.{index >> 8}.{index & 255}.1", 7400)
            )
            for index, identity in enumerate(identities)
        }
        self.dhts = {each.node_id: Dht(each, DhtConfig(), Random(each.seed), 0.0) for each in identities}
        for dht in self.dhts.values():
            for contact in self.contacts.values():
                dht.verified(contact, 0.0)

    def run(self, until_s: float) -> None:
        """Carry datagrams and ring alarms until a time; only the owner's alarms matter here."""
        owner = self.dhts[self.owner.node_id]
        self._send(self.owner.node_id)
        while True:
            alarm = owner.next_timeout()
            when = min(self._heap[0][0] if self._heap else until_s, until_s if alarm is None else alarm)
            if when >= until_s:
                self.now = until_s
                return
            self.now = max(self.now, when)
            if self._heap and self._heap[0][0] <= self.now:
                self._deliver()
            else:
                owner.handle_timeout(self.now)
            self._send(self.owner.node_id)

    def _deliver(self) -> None:
        _, _, source, to, payload = heappop(self._heap)
        reply = self.dhts[to].receive(payload, self.contacts[source], self.now)
        if reply is not None:
            self._post(to, source, reply)

    def _send(self, node_id: NodeId) -> None:
        for request in self.dhts[node_id].take_requests():
            _, message = decode(request.payload)
            assert isinstance(message, REQUESTS), "a node sends requests of its own"
            self.requests[type(message).__name__] += 1
            if isinstance(message, FindNode):
                self.targets.add((node_id, message.target))
            self._post(node_id, request.contact.node_id, request.payload)

    def _post(self, source: NodeId, to: NodeId, payload: bytes) -> None:
        self._sent += 1
        heappush(self._heap, (self.now + ONE_WAY_S, self._sent, source, to, payload))


def _record(owner: Identity, number: int, sequence: int) -> Record:
    return Record.create(owner, value_key(f"key {number}"), b"v", sequence=sequence, ttl_s=TTL_S)


def by_region(nodes: int, keys: int) -> tuple[int, Counter[str], float]:
    """Publish, renew; return lookups and requests of the renewal, and the mean number of true replicas held."""
    network = Network(nodes)
    dht = network.dhts[network.owner.node_id]
    for number in range(keys):
        dht.publish(lambda sequence, number=number: _record(network.owner, number, sequence), network.now)
    network.run(TTL_S / 2)
    network.requests.clear()
    network.targets.clear()
    network.run(TTL_S * 0.7)
    held = sum(_true_holders(network, value_key(f"key {number}"), 2) for number in range(keys))
    # A put that has the tokens of its holders asks nobody for contacts; it is counted as a lookup all the same.
    alone = network.requests["Store"] // DhtConfig().value_replicas
    return len(network.targets) + alone, network.requests, held / keys


def one_at_a_time(nodes: int, keys: int) -> Counter[str]:
    """Put every tenth key by itself; return ten times its requests."""
    network = Network(nodes)
    dht = network.dhts[network.owner.node_id]
    results: list[PutResult] = []
    for number in range(0, keys, SAMPLED):
        dht.put(_record(network.owner, number, 1), network.now, results.append)
        network.run(network.now + 1.0)
    assert len(results) == len(range(0, keys, SAMPLED)), "every put ends"
    return Counter({kind: count * SAMPLED for kind, count in network.requests.items()})


def _true_holders(network: Network, key: bytes, sequence: int) -> int:
    nearest = sorted(network.dhts, key=lambda node_id: node_id.distance(key))[: DhtConfig().value_replicas]
    held = [network.dhts[node_id].store.find(key, network.owner.public_key) for node_id in nearest]
    return sum(each is not None and each.record.sequence == sequence for each in held)


def main(arguments: list[str]) -> None:
    """Print the figures."""
    nodes, keys = [int(each) for each in [*arguments, "1000", "10000"][:2]]
    lookups, requests, replicas = by_region(nodes, keys)
    before = one_at_a_time(nodes, keys)
    print(f"{nodes} nodes, {keys} keys of one owner, renewed once")
    print(f"one at a time  lookups {keys:6}  requests {before.total():6}  {dict(before)}")
    print(f"by region      lookups {lookups:6}  requests {requests.total():6}  {dict(requests)}")
    print(
        f"fewer lookups  {1 - lookups / keys:.1%}, true replicas that hold the new record: {replicas:.2f} of 8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
