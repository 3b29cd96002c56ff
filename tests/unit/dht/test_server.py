from __future__ import annotations

from random import Random

import pytest

from mesh99.dht import Dht, DhtConfig, Outcome
from mesh99.dht.messages import (
    REQUESTS,
    FindNode,
    FindValue,
    Nodes,
    Ping,
    Pong,
    Reply,
    Request,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
    encode_request,
)
from mesh99.dht.reading import decode
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity
from mesh99.wire.record import RECORD_BYTES_MAX, Record

KEY = b"\x42" * 32
ALICE, BOB = Identity(b"\x01" * 32), Identity(b"\x02" * 32)


class Served:
    """A Dht and one peer that asks it."""

    def __init__(self) -> None:
        self.dht = Dht(Identity(bytes(32)), DhtConfig(), Random(1), 0.0)
        self.peer = Contact(ALICE.public_key, Endpoint("udp", "127.0.0.1", 1))

    def ask(self, request: Request, now: float = 0.0, room: int = 1150, peer: Contact | None = None) -> Reply:
        data = self.dht.receive(encode_request(7, request), peer or self.peer, now, room)
        assert data is not None
        assert len(data) <= room
        request_id, reply = decode(data)
        assert request_id == 7
        assert not isinstance(reply, REQUESTS)
        return reply

    def token(self, now: float = 0.0) -> bytes:
        reply = self.ask(FindNode(KEY), now)
        assert isinstance(reply, Nodes)
        return reply.token

    def store(self, owner: Identity, value: bytes = b"v", sequence: int = 1, key: bytes = KEY) -> Reply:
        record = Record.create(owner, key, value, sequence=sequence, ttl_s=100)
        return self.ask(Store(self.token(), 0, record.encode()))


@pytest.fixture
def served() -> Served:
    return Served()


def test_ping(served: Served) -> None:
    assert served.ask(Ping()) == Pong()


def test_find_node_names_verified_contacts_but_not_the_asker(served: Served) -> None:
    bob = Contact(BOB.public_key, Endpoint("udp", "127.0.0.1", 2))
    served.dht.verified(bob, 0.0)
    served.dht.verified(served.peer, 0.0)
    reply = served.ask(FindNode(KEY))
    assert isinstance(reply, Nodes)
    assert reply.contacts == [bob]


def test_asking_gets_nobody_into_the_table(served: Served) -> None:
    served.ask(Ping())
    served.ask(FindNode(KEY))
    assert len(served.dht.table) == 0


def test_store_and_find(served: Served) -> None:
    assert served.store(ALICE, b"a") == Stored(Outcome.STORED, 1)
    assert served.store(BOB, b"b") == Stored(Outcome.STORED, 1)
    reply = served.ask(FindValue(KEY), now=3.2)
    assert isinstance(reply, Values)
    assert reply.total == 2
    ((age_s, encoded),) = reply.records
    assert age_s == 4
    assert Record.decode(encoded).value == b"b"
    reply = served.ask(FindValue(KEY, ALICE.public_key))
    assert isinstance(reply, Values)
    assert [Record.decode(encoded).value for _, encoded in reply.records] == [b"a"]


def test_old_sequences_are_refused_with_the_one_held(served: Served) -> None:
    served.store(ALICE, sequence=5)
    assert served.store(ALICE, sequence=4) == Stored(Outcome.OLD_SEQUENCE, 5)


def test_store_needs_a_fresh_token_of_the_same_host(served: Served) -> None:
    record = Record.create(ALICE, KEY, b"v", sequence=1, ttl_s=100).encode()
    elsewhere = Contact(ALICE.public_key, Endpoint("udp", "127.0.0.9", 1))
    token = served.token(0.0)
    for bad, peer, now in ((bytes(8), None, 0.0), (token, elsewhere, 0.0), (token, None, 700.0)):
        reply = served.ask(Store(bad, 0, record), peer=peer, now=now)
        assert isinstance(reply, Stored)
        assert (reply.outcome, reply.sequence, reply.contacts) == (Outcome.BAD_TOKEN, 0, ())
        assert reply.token not in (b"", bad), "a good one comes along"
    assert served.ask(Store(token, 0, record), now=100.0) == Stored(Outcome.STORED, 1)


def test_each_refusal_has_a_reason_of_its_own_and_is_counted(served: Served) -> None:
    record = Record.create(ALICE, KEY, b"v", sequence=1, ttl_s=100).encode()
    token = served.token()
    refused = {
        "bad record": Store(token, 0, b"nonsense"),
        "too large": Store(token, 0, record + bytes(RECORD_BYTES_MAX)),
        "expired": Store(token, 100, record),
        "bad signature": Store(token, 0, record[:-1] + b"\0"),
        "bad token": Store(b"", 0, record),
    }
    for reason, request in refused.items():
        reply = served.ask(request)
        assert isinstance(reply, Stored)
        assert reply.outcome.reason == reason
    many = served.ask(StoreMany(token, [(0, record + bytes(RECORD_BYTES_MAX - 100))]))
    assert many == StoredMany([(Outcome.TOO_LARGE, 0)])
    assert len(served.dht.store) == 0
    counted = {f"record refused: {reason}": 1 for reason in refused}
    assert served.dht.dropped == {**counted, "record refused: too large": 2}


def test_records_are_paged_to_their_room(served: Served) -> None:
    owners = [Identity(bytes([number]) * 32) for number in range(10, 20)]
    for owner in owners:
        served.store(owner, bytes(200))
    seen: list[bytes] = []
    while len(seen) < 10:
        reply = served.ask(FindValue(KEY, b"", 10, len(seen)))
        assert isinstance(reply, Values)
        assert reply.total == 10
        assert 0 < len(reply.records) < 5
        seen += [Record.decode(encoded).owner for _, encoded in reply.records]
    assert seen == [owner.public_key for owner in reversed(owners)], "newest first"
    beyond = served.ask(FindValue(KEY, b"", 10, 10))
    assert isinstance(beyond, Values)
    assert beyond.records == []


def test_contacts_come_while_more_records_are_wanted(served: Served) -> None:
    served.dht.verified(Contact(BOB.public_key, Endpoint("udp", "127.0.0.1", 2)), 0.0)
    served.store(ALICE)
    for request, contacts in ((FindValue(KEY), 0), (FindValue(KEY, b"", 2), 1), (FindValue(bytes(32)), 1)):
        reply = served.ask(request)
        assert isinstance(reply, Values)
        assert len(reply.contacts) == contacts


def test_a_tombstone_does_not_satisfy(served: Served) -> None:
    served.dht.verified(Contact(BOB.public_key, Endpoint("udp", "127.0.0.1", 2)), 0.0)
    served.store(ALICE, b"")
    reply = served.ask(FindValue(KEY))
    assert isinstance(reply, Values)
    assert len(reply.records) == 1
    assert len(reply.contacts) == 1


def test_small_rooms_get_small_replies(served: Served, make_contact) -> None:
    for number in range(1, 15):
        served.dht.verified(make_contact(number), 0.0)
    reply = served.ask(FindNode(KEY), room=200)
    assert isinstance(reply, Nodes)
    assert 0 < len(reply.contacts) < 14
    served.store(ALICE, bytes(800))
    reply = served.ask(FindValue(KEY), room=400)
    assert isinstance(reply, Values)
    assert (reply.total, reply.records) == (1, [])
    assert served.dht.receive(encode_request(7, FindNode(KEY)), served.peer, 0.0, 5) is None
    assert served.dht.dropped == {"no room for a reply": 1}


def test_no_more_contacts_are_named_than_wanted_nor_than_a_bucket_holds(served: Served, make_contact) -> None:
    for number in range(1, 60):
        served.dht.verified(make_contact(number), 0.0)
    for want, named in ((0, 20), (1, 1), (11, 11), (2**32 - 1, 20)):
        reply = served.ask(FindNode(KEY, want))
        assert isinstance(reply, Nodes)
        assert len(reply.contacts) == named
    some, all_ = served.ask(FindNode(KEY, 3)), served.ask(FindNode(KEY))
    assert isinstance(some, Nodes)
    assert isinstance(all_, Nodes)
    assert some.contacts == all_.contacts[:3], "the nearest"
