"""Holders look after each other: what is missing is copied, what is there is not, and nobody can be made to toil."""

from __future__ import annotations

from collections import Counter

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.digest import bits_of, flagged, mark_of, summary_of
from mesh99.dht.messages import Digest, Lacking, StoreMany, encode_reply, encode_request
from mesh99.dht.reading import decode
from mesh99.wire.errors import DecodeError
from mesh99.wire.record import Record, value_key

KEY = value_key("left alone")
DAY_S = 86_400
REPLICAS = 8


def nearest(network, key: bytes = KEY) -> list:
    alive = [node for node in network.nodes if node.alive]
    return sorted(alive, key=lambda node: node.node_id.distance(key))[:REPLICAS]


def holding(network, key: bytes = KEY) -> int:
    return sum(bool(node.dht.store.get(key, network.now)) for node in nearest(network, key))


def put(network, key: bytes = KEY, ttl_s: int = DAY_S) -> Record:
    author = next(node for node in network.nodes if node not in nearest(network, key))
    record = Record.create(author.identity, key, b"v", sequence=1, ttl_s=ttl_s)
    network.put(author, record)
    network.run(1.0)
    return record


def grown(virtual_network, seed: int, config: DhtConfig | None = None, count: int = 30):
    network = virtual_network(seed=seed)
    network.join(count, config)
    network.run(5.0)
    return network


def forget(node, record: Record) -> None:
    held = node.dht.store.find(record.key, record.owner)
    if held is not None:
        node.dht.store._remove(held)


def sent(network) -> Counter[type]:
    """Count what is sent from now on, by kind."""
    kinds: Counter[type] = Counter()

    def watch(source, to, payload: bytes) -> bool:
        if payload:
            kinds[type(decode(payload)[1])] += 1
        return False

    network.drop = watch
    return kinds


def test_what_some_holders_lack_is_copied_within_a_few_periods(virtual_network) -> None:
    network = grown(virtual_network, 31)
    record = put(network)
    assert holding(network) == REPLICAS
    for node in nearest(network)[2:]:
        forget(node, record)
    network.run(4 * DhtConfig().repair_s)
    assert holding(network) == REPLICAS


def test_dead_holders_are_replaced_soon_after_they_are_found_dead(virtual_network) -> None:
    config = DhtConfig(silent_s_min=30.0, silent_s_max=60.0, repair_s=10 * DAY_S)
    network = grown(virtual_network, 32, config, count=40)
    put(network)
    for node in nearest(network)[1::2]:
        node.alive = False
    assert holding(network) < REPLICAS
    network.run(300.0)
    assert holding(network) == REPLICAS


def test_nothing_is_copied_when_nothing_is_missing(virtual_network) -> None:
    network = grown(virtual_network, 33)
    put(network)
    network.run(2 * DhtConfig().repair_s)
    kinds = sent(network)
    network.run(4 * DhtConfig().repair_s)
    assert kinds[Digest] > 0
    assert kinds[StoreMany] == 0


def test_a_copy_ends_no_later_than_its_original(virtual_network) -> None:
    network = grown(virtual_network, 34)
    ends_at = network.now + 6000
    record = put(network, ttl_s=6000)
    network.run(500.0)
    lacking = nearest(network)[3]
    forget(lacking, record)
    network.run(4 * DhtConfig().repair_s)
    copy = lacking.dht.store.find(record.key, record.owner)
    assert copy is not None
    assert ends_at - 5 < copy.expires_at <= ends_at + 2  # the put itself took its time


def test_an_older_version_is_replaced(virtual_network) -> None:
    network = grown(virtual_network, 35)
    record = put(network)
    author = next(node for node in network.nodes if node.contact.public_key == record.owner)
    newer = Record.create(author.identity, KEY, b"w", sequence=2, ttl_s=DAY_S)
    nearest(network)[0].dht.store.put(newer, network.now)
    network.run(6 * DhtConfig().repair_s)
    for node in nearest(network):
        held = node.dht.store.find(KEY, record.owner)
        assert held is not None
        assert held.record.sequence == 2


def test_a_full_neighbour_is_not_sent_everything_each_time(virtual_network) -> None:
    network = virtual_network(seed=36)
    full, giver = network.add(2)
    full.dht.verified(giver.contact, 0.0)
    giver.dht.verified(full.contact, 0.0)
    for number in range(20):
        record = Record.create(
            giver.identity, value_key(f"key {number}"), bytes(600), sequence=1, ttl_s=DAY_S
        )
        giver.dht.store.put(record, network.now)
    full.dht.store._config = DhtConfig(record_bytes_max=1)
    kinds = sent(network)
    giver.pump()
    network.run(DhtConfig().repair_s)
    assert kinds[StoreMany] == 1
    assert not full.dht.store.size


def ask(network, asker, asked, request: Digest) -> Lacking:
    payload = encode_request(7, request)
    reply = asked.dht.receive(payload, asker.contact, network.now)
    assert reply is not None
    assert len(reply) <= len(payload)
    _, lacking = decode(reply)
    assert isinstance(lacking, Lacking)
    return lacking


def test_an_answer_is_no_larger_than_its_digest_and_says_what_is_missing(virtual_network) -> None:
    network = grown(virtual_network, 37)
    record = put(network)
    asked, asker = nearest(network)[:2]
    held = asked.dht.store.find(KEY, record.owner)
    assert held is not None
    assert ask(network, asker, asked, Digest(summary_of([held]))) == Lacking()
    assert ask(network, asker, asked, Digest(bytes(16))) == Lacking(b"\x01")
    assert ask(network, asker, asked, Digest(marks=mark_of(held))) == Lacking()
    lacking = ask(network, asker, asked, Digest(marks=mark_of(held) + bytes(10)))
    assert lacking.bits == b"\x02"
    assert len(lacking.token) == 8
    assert ask(network, asker, asked, Digest(marks=bytes(10))).token


def test_who_asks_too_often_is_told_that_nothing_is_missing(virtual_network) -> None:
    network = grown(virtual_network, 38, DhtConfig(repair_answers_max=3), count=10)
    asked, asker = network.nodes[:2]
    answers = [ask(network, asker, asked, Digest(bytes(16))) for _ in range(5)]
    assert answers == [Lacking(b"\x01")] * 3 + [Lacking()] * 2
    network.run(61.0)
    assert ask(network, asker, asked, Digest(bytes(16))) == Lacking(b"\x01")


def test_a_digest_in_a_handshake_is_dropped(virtual_network) -> None:
    network = virtual_network(seed=41)
    node, other = network.add(2)
    assert node.dht.receive(encode_request(1, Digest(bytes(16))), other.contact, 0.0, 1000) is None
    assert node.dht.dropped == {"digest in a handshake": 1}


def test_deaths_mended_at_once_are_bounded(virtual_network, make_contact) -> None:
    network = grown(virtual_network, 39, DhtConfig(repair_deaths_max=5), count=10)
    put(network)
    repair = nearest(network)[0].dht._first.repair
    for number in range(1, 20):
        repair.lost(make_contact(number), network.now)
    assert repair.size == 5


@pytest.mark.parametrize(
    "request_",
    [Digest(), Digest(bytes(15)), Digest(bytes(17)), Digest(b"", bytes(9)), Digest(bytes(16), bytes(10))],
)
def test_a_digest_of_a_wrong_form_is_counted_and_dropped(virtual_network, request_: Digest) -> None:
    network = virtual_network(seed=40)
    node, other = network.add(2)
    assert node.dht.receive(encode_request(1, request_), other.contact, 0.0) is None
    assert node.dht.dropped == {"malformed": 1}


def test_marks_beyond_a_datagram_and_odd_answers_are_refused() -> None:
    for payload in (
        encode_request(1, Digest(marks=bytes(1110))),
        encode_reply(1, Lacking(bytes(15))),
        encode_reply(1, Lacking(b"\x01", bytes(7))),
    ):
        with pytest.raises(DecodeError):
            decode(payload)


@pytest.mark.parametrize("flags", [[], [False] * 9, [True], [False, True] * 55, [False] * 8 + [True]])
def test_bits_say_which(flags: list[bool]) -> None:
    bits = bits_of(flags)
    assert list(flagged(range(len(flags)), bits)) == [place for place, flag in enumerate(flags) if flag]  # type: ignore[arg-type]
    assert bool(bits) == any(flags)
    assert list(flagged([], b"\xff")) == []
