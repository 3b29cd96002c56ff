"""Reading many records of a key: page after page from one holder, not the same page from all."""

from __future__ import annotations

from mesh99.dht.messages import FindValue
from mesh99.dht.reading import decode
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record, capability_key

KEY = capability_key("popular")
OWNERS = 60
A_PAGE = 4  # records of 250 bytes that fit an answer


def test_pages_are_read_once(virtual_network) -> None:
    network = virtual_network(seed=41)
    network.join(30)
    network.run(2.0)
    for number in range(OWNERS):
        identity = Identity(bytes([number + 1]) * 32)
        record = Record.create(identity, KEY, bytes(100), sequence=1, ttl_s=600)
        assert network.put(network.nodes[number % 30], record).stored_on
    network.run(1.0)
    offsets: list[int] = []

    def count(source: object, to: object, payload: bytes) -> bool:
        message = decode(payload)[1] if payload else None
        if isinstance(message, FindValue):
            offsets.append(message.offset)
        return False

    network.drop = count
    outsider = next(node for node in network.nodes if not node.dht.store.get(KEY, network.now))
    assert len(network.get(outsider, KEY, want=OWNERS).records) == OWNERS
    further = [offset for offset in offsets if offset]
    assert len(further) <= OWNERS // A_PAGE + A_PAGE
