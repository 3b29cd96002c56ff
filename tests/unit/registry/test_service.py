from __future__ import annotations

import itertools
import json
from random import Random

import msgspec
import pytest

from mesh99.node.registry.config import RegistryConfig
from mesh99.node.registry.refusal import Refusal
from mesh99.node.registry.service import Registry
from mesh99.node.registry.store import Store
from mesh99.wire.identity import Identity

PLAIN = b'{"name":"max","capabilities":["Greet"]}'


def make_registry(**limits):
    numbers = itertools.count()
    return Registry(Store(":memory:", 0.0), RegistryConfig(**limits), Random(7), lambda: f"u{next(numbers)}")


def encoded(packet):
    return msgspec.json.encode(packet)


def owner(number):
    return Identity.generate(lambda size: bytes([number]) * size)


def refused(status, call, *arguments):
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    assert caught.value.status == status
    return caught.value


def names(page):
    return [json.loads(packet)["name"] for _, packet in page]


def test_a_plain_agent_gets_a_new_row_at_each_call_and_stays():
    registry = make_registry()
    assert [registry.register(PLAIN, 0.0), registry.register(PLAIN, 0.0)] == ["u0", "u1"]
    assert registry.agent_count(1e9) == 2
    assert [json.loads(packet)["uuid"] for _, packet in registry.agents(0, 1e9)] == ["u0", "u1"]


def test_discovers_in_any_case_and_exactly():
    registry = make_registry()
    registry.register(PLAIN, 0.0)
    assert names(registry.discover("gREET", 0, 0.0)) == ["max"]
    assert registry.discover("gree", 0, 0.0) == []


def test_withdraws_once_with_agent99s_words():
    registry = make_registry()
    uuid = registry.register(PLAIN, 0.0)
    registry.withdraw(uuid)
    assert refused(404, registry.withdraw, uuid).text == f"Agent with UUID {uuid} not found."
    assert registry.agent_count(0.0) == 0


def test_a_signed_node_keeps_its_uuid_when_it_registers_again(signed_packet):
    registry = make_registry()
    uuid = registry.register(encoded(signed_packet(1, port=1)), 0.0)
    assert registry.register(encoded(signed_packet(2, port=2)), 1.0) == uuid
    assert registry.register(encoded(signed_packet(2, port=3)), 2.0) == uuid
    ((_, packet),) = registry.agents(0, 2.0)
    assert json.loads(packet)["p2p"]["endpoints"] == ["udp://127.0.0.1:3"]


def test_an_older_record_neither_replaces_nor_prolongs(signed_packet):
    registry = make_registry()
    registry.register(encoded(signed_packet(5, port=5)), 0.0)
    assert refused(409, registry.register, encoded(signed_packet(4, port=4)), 80.0).field == "p2p.record"
    assert json.loads(registry.node("u0", 80.0))["p2p"]["endpoints"] == ["udp://127.0.0.1:5"]
    assert registry.agent_count(90.0) == 0


def test_a_silent_node_vanishes_and_may_come_back_with_any_sequence(signed_packet):
    registry = make_registry()
    uuid = registry.register(encoded(signed_packet(5)), 0.0)
    registry.heartbeat(uuid, 60.0)
    assert registry.agent_count(149.0) == 1
    assert registry.agent_count(150.0) == 0
    refused(404, registry.heartbeat, uuid, 150.0)
    assert registry.register(encoded(signed_packet(1)), 151.0) == "u1"
    assert registry.agent_count(151.0) == 1


def test_expire_tells_who_is_gone(signed_packet):
    registry = make_registry()
    registry.register(encoded(signed_packet(1)), 0.0)
    registry.register(PLAIN, 0.0)
    assert registry.expire(89.0) == []
    assert registry.expire(90.0) == ["u0"]


def test_a_full_registry_refuses_until_somebody_goes(signed_packet):
    registry = make_registry(agents_max=2, lasting_agents_max=2)
    registry.register(encoded(signed_packet(1)), 0.0)
    uuid = registry.register(PLAIN, 0.0)
    refused(429, registry.register, PLAIN, 1.0)
    assert registry.register(encoded(signed_packet(2)), 1.0) == "u0"
    registry.withdraw(uuid)
    registry.register(PLAIN, 1.0)
    refused(429, registry.register, PLAIN, 2.0)
    registry.register(PLAIN, 91.0)


def test_agents_that_never_expire_leave_room_for_those_that_do(signed_packet):
    registry = make_registry(agents_max=3, lasting_agents_max=1)
    registry.register(PLAIN, 0.0)
    refused(429, registry.register, PLAIN, 0.0)
    registry.register(encoded(signed_packet(1)), 0.0)
    registry.register(b'{"capabilities":[],"ttl":5}', 0.0)


def test_the_bootstrap_list_is_a_draw_of_signed_nodes(signed_packet):
    registry = make_registry()
    registry.register(PLAIN, 0.0)
    for number in range(30):
        registry.register(encoded(signed_packet(1, owner=owner(number), request_schema={"big": 1})), 0.0)
    drawn = [json.loads(row) for row in registry.nodes(10, 0.0)]
    assert len({row["p2p"]["node_id"] for row in drawn}) == 10
    assert all(row.keys() == {"uuid", "name", "p2p"} for row in drawn)
    again = [json.loads(row)["uuid"] for row in registry.nodes(10, 0.0)]
    assert again != [row["uuid"] for row in drawn]
    assert len(registry.nodes(1000, 0.0)) == 30
    assert registry.nodes(10, 90.0) == []


def test_the_bootstrap_list_is_drawn_among_the_freshest(signed_packet):
    registry = make_registry(nodes_pool=5)
    uuids = [registry.register(encoded(signed_packet(1, owner=owner(number))), 0.0) for number in range(20)]
    for uuid in uuids[7:12]:
        registry.heartbeat(uuid, 1.0)
    assert sorted(json.loads(row)["uuid"] for row in registry.nodes(50, 2.0)) == sorted(uuids[7:12])


def test_the_bootstrap_list_is_bounded(signed_packet):
    registry = make_registry(nodes_max=3)
    for number in range(5):
        registry.register(encoded(signed_packet(1, owner=owner(number))), 0.0)
    assert len(registry.nodes(1000, 0.0)) == 3
    assert refused(400, registry.nodes, 0, 0.0).field == "limit"


def test_a_node_is_found_by_its_id_and_by_its_uuid(signed_packet, identity):
    registry = make_registry()
    uuid = registry.register(encoded(signed_packet(1)), 0.0)
    assert registry.node(identity.node_id.text, 0.0) == registry.node(uuid, 0.0)
    assert json.loads(registry.node(uuid, 0.0))["p2p"]["node_id"] == identity.node_id.text
    refused(404, registry.node, registry.register(PLAIN, 0.0), 0.0)
    refused(404, registry.node, "nobody", 0.0)
