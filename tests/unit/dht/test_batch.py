from __future__ import annotations

from random import Random

from mesh99.dht.batch import datagrams
from mesh99.dht.messages import REPLY_BYTES_MAX, FindNode, Outcome, StoredMany, StoreMany, encode_request
from mesh99.dht.reading import decode
from mesh99.wire.record import RECORD_BYTES_MAX, Record, value_key


def test_each_page_fits_a_datagram_and_nothing_is_lost_or_moved() -> None:
    random = Random(1)
    records = [(2**32 - 1, bytes(random.choice([143, 160, 500, RECORD_BYTES_MAX]))) for _ in range(300)]
    pages = list(datagrams(records))
    assert [aged for page in pages for aged in page] == records
    for page in pages:
        assert len(encode_request(2**32 - 1, StoreMany(bytes(8), page))) <= REPLY_BYTES_MAX


def test_pages_are_filled() -> None:
    assert [len(page) for page in datagrams([(0, bytes(143))] * 20)] == [7, 7, 6]
    assert [len(page) for page in datagrams([(0, bytes(1))] * 40)] == [32, 8]
    assert list(datagrams([])) == []


def ask(network, asked, asking, request):
    reply = asked.dht.receive(encode_request(1, request), asking.contact, network.now)
    return decode(reply)[1]


def test_each_record_is_judged_by_itself(virtual_network) -> None:
    network = virtual_network(seed=31)
    holder, author = network.add(2)
    token = ask(network, holder, author, FindNode(bytes(32))).token

    def record(name: str, sequence: int) -> bytes:
        key = value_key(name)
        return Record.create(author.identity, key, b"v", sequence=sequence, ttl_s=60).encode()

    many = StoreMany(
        token, [(0, record("a", 5)), (0, b"nonsense"), (60, record("b", 1)), (0, record("a", 4))]
    )
    assert ask(network, holder, author, many) == StoredMany(
        [(Outcome.STORED, 5), (Outcome.BAD_RECORD, 0), (Outcome.EXPIRED, 0), (Outcome.OLD_SEQUENCE, 5)]
    )


def test_a_bad_token_stores_nothing_and_is_answered_with_a_good_one(virtual_network) -> None:
    network = virtual_network(seed=32)
    holder, author = network.add(2)
    encoded = Record.create(author.identity, value_key("a"), b"v", sequence=1, ttl_s=60).encode()
    refused = ask(network, holder, author, StoreMany(bytes(8), [(0, encoded)]))
    assert refused.outcomes == [(Outcome.BAD_TOKEN, 0)]
    assert len(holder.dht.store) == 0
    assert ask(network, holder, author, StoreMany(refused.token, [(0, encoded)])).outcomes == [
        (Outcome.STORED, 1)
    ]
