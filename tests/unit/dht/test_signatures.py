"""A memory of checked records: it saves checks, and never takes one record for another."""

from __future__ import annotations

from dataclasses import replace

from mesh99.dht.signatures import Signatures
from mesh99.wire.crypto import Crypto
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record, value_key


class CountingCrypto(Crypto):
    """Counts what is checked."""

    def __init__(self) -> None:
        self.checks = 0

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        self.checks += 1
        return super().verify(public, signature, message)


def record(number: int) -> Record:
    return Record.create(Identity(b"\x01" * 32), value_key(str(number)), b"v", sequence=1, ttl_s=60)


def test_the_same_bytes_are_checked_once() -> None:
    crypto = CountingCrypto()
    signatures = Signatures(2, crypto)
    assert all(signatures.verify(Record.decode(record(1).encode())) for _ in range(3))
    assert crypto.checks == 1


def test_what_differs_in_anything_is_checked_and_refused_each_time() -> None:
    crypto = CountingCrypto()
    signatures = Signatures(2, crypto)
    good = record(1)
    assert signatures.verify(good)
    for change in ({"value": b"w"}, {"sequence": 2}, {"ttl_s": 61}, {"signature": bytes(64)}):
        for _ in range(2):
            assert not signatures.verify(replace(good, **change))
    assert (crypto.checks, len(signatures)) == (9, 1)


def test_of_too_many_the_one_longest_unused_is_forgotten() -> None:
    crypto = CountingCrypto()
    signatures = Signatures(2, crypto)
    for number in (1, 2, 1, 3):
        assert signatures.verify(record(number))
    assert (crypto.checks, len(signatures)) == (3, 2)
    assert signatures.verify(record(1))
    assert crypto.checks == 3
    assert signatures.verify(record(2))
    assert crypto.checks == 4


def test_a_key_read_again_is_not_checked_again(virtual_network, monkeypatch) -> None:
    network = virtual_network(seed=21)
    network.join(30)
    network.run(1.0)
    author, reader = network.nodes[1:3]
    network.put(author, record_of(author))
    network.run(1.0)
    checked: list[Record] = []
    verify = Record.verify
    monkeypatch.setattr(Record, "verify", lambda self, crypto: checked.append(self) or verify(self, crypto))
    readings = [network.get(reader, value_key("colour")) for _ in range(5)]
    assert all(reading.records[0].value == b"blue" for reading in readings)
    assert all(reading.source is not None for reading in readings)
    assert len(checked) == 1


def record_of(node) -> Record:
    return Record.create(node.identity, value_key("colour"), b"blue", sequence=1, ttl_s=60)
