"""What lying servers answer, as the reader's decoder sees it."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.dht.dht import Dht, DhtConfig
from mesh99.dht.messages import FindNode, FindValue, Nodes, Outcome, Ping, Pong, Store, Stored, Values
from mesh99.dht.reading import decode
from mesh99.simulations.adversaries.addresses import nowhere, rented
from mesh99.simulations.adversaries.censor import CensorServer
from mesh99.simulations.adversaries.colluders import Colluders
from mesh99.simulations.adversaries.hostile_server import HostileServer
from mesh99.simulations.adversaries.liar import LiarServer, invent
from mesh99.simulations.adversaries.lying_observer import WrongEndpoint
from mesh99.simulations.adversaries.poisoner import LIES, NO_ENDPOINTS, PoisonerServer
from mesh99.simulations.adversaries.sybil import SybilServer
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record

ASKER = Contact(Identity(b"\x01" * 32).public_key, Endpoint("udp", "10.0.0.1", 7400))
OWNER = Identity(b"\x02" * 32)
KEY = b"\x42" * 32
ROOM = 1150


@pytest.fixture
def dht() -> Dht:
    return Dht(Identity(bytes(32)), DhtConfig(), Random(1), 0.0)


@pytest.fixture
def group() -> Colluders:
    random, colluders = Random(5), Colluders()
    for number in range(40):
        colluders.add(invent(random, nowhere(number)))
    return colluders


def _ask(server: HostileServer, request: object) -> object:
    data = server.reply(7, request, ASKER, 1.0, ROOM)  # type: ignore[arg-type]
    assert data is not None
    assert len(data) <= ROOM
    request_id, reply = decode(data)
    assert request_id == 7
    return reply


def test_a_sybil_names_the_nearest_of_its_group_and_stores_nothing(dht: Dht, group: Colluders) -> None:
    server = SybilServer(dht.server, group)
    nodes = _ask(server, FindNode(KEY))
    assert isinstance(nodes, Nodes)
    assert [c.node_id for c in nodes.contacts] == sorted(
        (c.node_id for c in group), key=lambda node_id: node_id.distance(KEY)
    )[: len(nodes.contacts)]
    assert len(nodes.contacts) == 20
    assert isinstance(_ask(server, Ping()), Pong)
    record = Record.create(OWNER, KEY, b"v", sequence=1, ttl_s=60)
    assert _ask(server, Store(bytes(8), 0, record.encode())) == Stored(Outcome.STORED, 0)
    assert len(dht.store) == 0
    assert server.asked == server.lies == 3


def test_a_censor_is_honest_about_everything_else(dht: Dht, group: Colluders) -> None:
    false = Record.create(OWNER, KEY, b"false", sequence=1, ttl_s=60)
    silent, loud = (CensorServer(dht.server, group, KEY, record) for record in (None, false))
    hidden, shown = _ask(silent, FindValue(KEY)), _ask(loud, FindValue(KEY))
    assert isinstance(hidden, Values)
    assert isinstance(shown, Values)
    assert (hidden.total, len(hidden.contacts)) == (0, 20)
    assert shown.records == [(0, false.encode())]
    assert _ask(silent, FindNode(bytes(32))) == Nodes(_honest_token(dht), [])
    assert (silent.asked, silent.lies) == (2, 1)


def _honest_token(dht: Dht) -> bytes:
    data = dht.server.reply(7, FindNode(KEY), ASKER, 1.0, ROOM)
    assert data is not None
    reply = decode(data)[1]
    assert isinstance(reply, Nodes)
    return reply.token


def test_a_poisoner_goes_through_its_lies_and_none_is_a_record_that_was_asked_for(dht: Dht) -> None:
    server = PoisonerServer(dht.server)
    versions = [Record.create(OWNER, KEY, b"v", sequence=n, ttl_s=60) for n in (1, 2)]
    for record in versions:
        _ask(server, Store(_honest_token(dht), 0, record.encode()))
    seen: list[str] = []
    for _ in LIES:
        data = server.reply(7, FindValue(KEY), ASKER, 1.0, ROOM)
        assert data is not None
        seen.append(_judge(data))
    assert seen == ["forged", "forged", "rolled back", "over", "misplaced", "malformed"]


def _judge(data: bytes) -> str:
    try:
        reply = decode(data)[1]
        assert isinstance(reply, Values)
        age_s, encoded = reply.records[0]
        record = Record.decode(encoded)
    except DecodeError:
        return "malformed"
    if record.key != KEY:
        return "misplaced"
    if not record.verify():
        return "forged"
    return "over" if age_s > record.ttl_s else "rolled back" if record.sequence < 2 else "honest"


def test_a_poisoner_names_contacts_that_are_none(dht: Dht) -> None:
    server, usable = PoisonerServer(dht.server), 0
    for _ in range(2 * (len(NO_ENDPOINTS) + 2)):
        data = server.reply(7, FindNode(KEY), ASKER, 1.0, ROOM)
        assert data is not None
        try:
            reply = decode(data)[1]
        except DecodeError:
            continue
        assert isinstance(reply, Nodes)
        usable += sum(c.endpoint.is_usable and not c.endpoint.is_loopback for c in reply.contacts)
    assert server.lies == len(NO_ENDPOINTS) + 2
    assert usable == 0


def test_a_liar_names_nearer_ones_each_time_and_sometimes_answers_something_else(
    dht: Dht, group: Colluders
) -> None:
    server = LiarServer(dht.server, group)
    nearest: list[int] = []
    wrong = 0
    for _ in range(10):
        data = server.reply(7, FindNode(KEY), ASKER, 1.0, ROOM)
        assert data is not None
        request_id, reply = decode(data)
        if request_id == 7 and isinstance(reply, Nodes):
            nearest.append(min(contact.node_id.distance(KEY) for contact in reply.contacts))
        else:
            wrong += 1
    assert nearest[:3] == sorted(nearest[:3], reverse=True)
    assert wrong == 2


def test_an_answer_that_does_not_fit_is_not_sent(dht: Dht, group: Colluders) -> None:
    data = SybilServer(dht.server, group).reply(7, FindNode(KEY), ASKER, 1.0, 200)
    assert data is not None
    assert len(data) <= 200


def test_the_group_of_observers_tells_one_caller_one_wrong_endpoint() -> None:
    lie = WrongEndpoint()
    seen = {lie(Endpoint("udp", f"10.0.0.{number}", 7400)): number for number in range(50)}
    assert len(seen) == 50
    assert lie(ASKER.endpoint) == lie(ASKER.endpoint) != ASKER.endpoint


def test_rented_addresses_share_the_subnets_and_differ() -> None:
    endpoints = [rented(position, 2) for position in range(1100)]
    assert len(dict.fromkeys(endpoints)) == 1100
    assert len({endpoint.host.rsplit(".", 1)[0] for endpoint in endpoints}) == 2
    assert not any(endpoint.is_private for endpoint in endpoints)
