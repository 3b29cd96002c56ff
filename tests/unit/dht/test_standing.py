"""Who gave what no honest node gives is asked last, and cannot make us work for nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from mesh99.dht import Dht, DhtConfig, Outcome
from mesh99.dht.lookup import Lookup
from mesh99.dht.messages import (
    FindNode,
    Nodes,
    Pong,
    Store,
    StoredMany,
    StoreMany,
    Values,
    encode_reply,
    encode_request,
)
from mesh99.dht.reading import decode
from mesh99.dht.standing import Standings
from mesh99.wire.codec import pack
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.record import Record, value_key

CONFIG = DhtConfig()
PEER, OTHER = NodeId(bytes(31) + b"\x01"), NodeId(bytes(31) + b"\x02")
KEY = value_key("colour")
OWNER = Identity(b"\x01" * 32)
GOOD = Record.create(OWNER, KEY, b"blue", sequence=1, ttl_s=100)
FORGED = replace(GOOD, value=b"red")
NO_KIND_KNOWN_HERE = 99


@pytest.fixture
def dht() -> Dht:
    return Dht(Identity(bytes(32)), CONFIG, Random(1), 0.0)


def standings() -> Standings:
    return Standings(CONFIG)


def blame(standing: Standings, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        standing.blame(PEER, "a fault", now)


def test_a_standing_is_low_from_the_third_fault_until_enough_are_forgiven() -> None:
    standing = standings()
    blame(standing, 2)
    assert not standing.is_low(PEER, 0.0)
    blame(standing, 1)
    assert standing.is_low(PEER, 0.0)
    assert not standing.is_low(PEER, CONFIG.forgiven_s)
    assert not standing.is_low(OTHER, 0.0)


def test_no_number_of_faults_is_held_against_a_peer_for_ever() -> None:
    standing = standings()
    blame(standing, 1000)
    assert standing.is_low(PEER, CONFIG.faults_max * CONFIG.forgiven_s - 1)
    assert not standing.is_low(PEER, CONFIG.faults_max * CONFIG.forgiven_s)


def test_so_many_peers_are_remembered_and_the_latest_last() -> None:
    standing = standings()
    blame(standing, 3)
    for number in range(CONFIG.blamed_max):
        standing.blame(NodeId(number.to_bytes(32, "little")), "a fault", 0.0)
    assert len(standing) == CONFIG.blamed_max
    assert not standing.is_low(PEER, 0.0)


def test_a_peer_that_answers_nonsense_leaves_the_table_and_does_not_come_back(dht: Dht, make_contact) -> None:
    peer = make_contact(1)
    dht.verified(peer, 0.0)
    for _ in range(3):
        assert peer.node_id in dht.table
        dht.receive(pack([18, 7, b"short", []]), peer, 0.0)
    assert peer.node_id not in dht.table
    dht.verified(peer, 1.0)
    assert peer.node_id not in dht.table
    dht.verified(peer, 1.0 + CONFIG.forgiven_s)
    assert peer.node_id in dht.table


def test_what_a_newer_version_might_say_is_no_fault(dht: Dht, make_contact) -> None:
    peer = make_contact(1)
    dht.verified(peer, 0.0)
    for _ in range(10):
        dht.receive(pack([NO_KIND_KNOWN_HERE, 7]), peer, 0.0)
        dht.receive(encode_reply(7, Pong()), peer, 0.0)
    assert dht.dropped == {"malformed": 10, "unexpected": 10}
    assert peer.node_id in dht.table


def test_an_answer_of_another_kind_ends_the_wait_at_once(dht: Dht, make_contact) -> None:
    peer = make_contact(1)
    dht.verified(peer, 0.0)
    ended: list[object] = []
    dht.find_node(KEY, 0.0, ended.append)
    request_id, _ = decode(dht.take_requests()[0].payload)
    dht.receive(encode_reply(request_id, Pong()), peer, 0.1)
    assert ended
    assert dht.statistics().failures == {"silent": 0, "unreachable": 0, "nonsense": 1}


def test_forged_records_cost_few_verifications(dht: Dht, make_contact, monkeypatch) -> None:
    checked: list[Record] = []
    genuine = Record.verify
    monkeypatch.setattr(Record, "verify", lambda self, crypto: checked.append(self) or genuine(self, crypto))
    peer = make_contact(1)
    data = dht.receive(encode_request(1, FindNode(KEY)), peer, 0.0)
    assert data is not None
    _, nodes = decode(data)
    assert isinstance(nodes, Nodes)
    records = [(0, replace(FORGED, sequence=number).encode()) for number in range(8)]
    data = dht.receive(encode_request(2, StoreMany(nodes.token, records)), peer, 0.0)
    assert data is not None
    _, stored = decode(data)
    assert isinstance(stored, StoredMany)
    assert [outcome for outcome, _ in stored.outcomes] == [Outcome.BAD_SIGNATURE] * 8
    assert len(checked) == 3
    assert dht.statistics().faults == {"forged record": 3, "record of a peer of low standing": 5}
    assert dht.dropped == {"record refused: bad signature": 3}


def test_a_record_whose_life_ended_on_the_way_is_no_fault(dht: Dht, make_contact) -> None:
    peer = make_contact(1)
    data = dht.receive(encode_request(1, FindNode(KEY)), peer, 0.0)
    assert data is not None
    _, nodes = decode(data)
    assert isinstance(nodes, Nodes)
    dht.receive(encode_request(2, Store(nodes.token, GOOD.ttl_s, GOOD.encode())), peer, 0.0)
    assert not dht.statistics().faults


def test_a_get_goes_on_after_a_forged_record(dht: Dht, make_contact) -> None:
    liar, honest = make_contact(1), make_contact(2)
    for contact in (liar, honest):
        dht.verified(contact, 0.0)
    results = []
    dht.get(KEY, 0.0, results.append)
    answers = {liar.node_id: FORGED, honest.node_id: GOOD}
    while not results:
        for request in dht.take_requests():
            request_id, _ = decode(request.payload)
            record = answers[request.contact.node_id].encode()
            reply = encode_reply(request_id, Values(bytes(8), 1, [(0, record)], []))
            dht.receive(reply, request.contact, 0.01)
        dht.handle_timeout(0.5)
    assert [record.value for record in results[0].records] == [b"blue"]
    assert dht.statistics().faults.get("forged record", 0) <= 1


def _search(make_contact) -> tuple[Lookup, list]:
    search = Lookup(
        0,
        [make_contact(1 << 200), make_contact(2 << 200)],
        NodeId(b"\xff" * 32),
        count=20,
        parallelism=20,
        parallelism_wide=20,
        requests_max=100,
    )
    teller, other = search.next(), search.next()
    named = [make_contact(number) for number in range(1, 6)]
    search.answered(teller, named)
    search.answered(other, named[:3])
    candidates = []
    while (candidate := search.next()) is not None:
        candidates.append(candidate)
    return search, [teller, other, *candidates]


def test_who_names_only_dead_contacts_is_found_out_once_there_are_enough(make_contact) -> None:
    search, (teller, _, *named) = _search(make_contact)
    assert len(named) == 5
    for candidate in named:
        candidate.dead = True
        last = candidate is named[-1]
        assert search.vain_tellers(candidate, 5) == ([teller] if last else [])
    assert search.vain_tellers(named[-1], 5) == [], "it is told once"


def test_who_names_one_that_answers_is_believed(make_contact) -> None:
    search, (_, _, alive, *dead) = _search(make_contact)
    search.answered(alive, [])
    for candidate in dead:
        candidate.dead = True
        assert search.vain_tellers(candidate, 4) == []
