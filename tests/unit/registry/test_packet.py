from __future__ import annotations

import base64
import json

import msgspec
import pytest

from mesh99.node.registry.config import RegistryConfig
from mesh99.node.registry.packet import parse_packet
from mesh99.node.registry.refusal import Refusal
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record

CONFIG = RegistryConfig()


def refusal_of(body: bytes | dict[str, object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_packet(body if isinstance(body, bytes) else json.dumps(body).encode(), CONFIG)
    assert caught.value.status == 400
    return caught.value


def test_keeps_every_key_lower_cases_capabilities_and_overwrites_uuid():
    body = b'{"name":"Max","type":"server","uuid":"mine","capabilities":["Greet","IMAGE.Resize"],"x":{"y":[1,null]}}'
    packet = parse_packet(body, CONFIG)
    assert packet.encode("given") == (
        '{"name":"Max","type":"server","uuid":"given","capabilities":["greet","image.resize"],"x":{"y":[1,null]}}'
    )
    assert packet.capabilities == ["greet", "image.resize"]
    assert packet.ttl_s is None
    assert packet.signed is None


def test_keeps_numbers_and_text_that_json_can_hold():
    body = '{"capabilities":[],"big":123456789012345678901234567890,"half":0.5,"text":"\\u0000é\U0001f600"}'.encode()
    again = json.loads(parse_packet(body, CONFIG).encode("u"))
    assert again["big"] == 123456789012345678901234567890
    assert again["half"] == 0.5
    assert again["text"] == "\0é\U0001f600"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b"\xff\xfe",
        b"[]",
        b"7",
        b'"text"',
        b"null",
        b'{"capabilities":[],"x":NaN}',
        b'{"capabilities":[],"x":1e999}',
        b'{"capabilities":[],"x":"\\ud800"}',
        b"[" * 20_000,
        b'{"capabilities":[],"x":' + b"[" * 33 + b"]" * 33 + b"}",
    ],
)
def test_refuses_what_is_no_json_object(body):
    refusal = refusal_of(body)
    assert refusal.field is None
    assert refusal.body() == {"error": refusal.text}


def test_accepts_nesting_up_to_the_limit():
    inside = CONFIG.nesting_max - 1
    parse_packet(b'{"capabilities":[],"x":' + b"[" * inside + b"]" * inside + b"}", CONFIG)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "capabilities"),
        ({"capabilities": None}, "capabilities"),
        ({"capabilities": "greet"}, "capabilities"),
        ({"capabilities": {}}, "capabilities"),
        ({"capabilities": ["greet", 7]}, "capabilities[1]"),
        ({"capabilities": [None]}, "capabilities[0]"),
        ({"capabilities": ["x" * 129]}, "capabilities[0]"),
        ({"capabilities": ["x"] * 129}, "capabilities"),
        ({"capabilities": [], "name": 7}, "name"),
        ({"capabilities": [], "name": "n" * 129}, "name"),
        ({"capabilities": [], "ttl": "90"}, "ttl"),
        ({"capabilities": [], "ttl": True}, "ttl"),
        ({"capabilities": [], "ttl": 0}, "ttl"),
        ({"capabilities": [], "ttl": 1e9}, "ttl"),
        ({"capabilities": [], "ttl": 10**30}, "ttl"),
        ({"capabilities": [], "p2p": None}, "p2p"),
        ({"capabilities": [], "p2p": {}}, "p2p.record"),
        ({"capabilities": [], "p2p": {"record": 7}}, "p2p.record"),
        ({"capabilities": [], "p2p": {"record": "not base64"}}, "p2p.record"),
        ({"capabilities": [], "p2p": {"record": "é"}}, "p2p.record"),
        ({"capabilities": [], "p2p": {"record": "A" * 100_000}}, "p2p.record"),
        ({"capabilities": [], "p2p": {"record": "AAAA"}}, "p2p.record"),
    ],
)
def test_names_the_field_at_fault(values, field):
    refusal = refusal_of(values)
    assert refusal.field == field
    assert refusal.body() == {"error": f"{field} {refusal.text}", "field": field}


def test_takes_the_ttl_of_any_agent():
    assert parse_packet(b'{"capabilities":[],"ttl":30}', CONFIG).ttl_s == 30.0


def test_verifies_a_signed_node(signed_packet, identity):
    packet = parse_packet(msgspec.json.encode(signed_packet(5)), CONFIG)
    assert packet.signed is not None
    assert packet.signed.node_id == identity.node_id
    assert packet.signed.node.sequence == packet.signed.record.sequence == 5
    assert packet.ttl_s == CONFIG.ttl_s
    assert parse_packet(msgspec.json.encode(signed_packet(5, ttl=7)), CONFIG).ttl_s == 7.0


def test_signed_node_may_leave_out_what_only_repeats_the_record(signed_packet):
    packet = signed_packet()
    packet["p2p"] = {"record": packet["p2p"]["record"]}
    assert parse_packet(msgspec.json.encode(packet), CONFIG).signed is not None


def test_refuses_every_flipped_bit_of_a_record(signed_packet):
    packet = signed_packet()
    record = base64.b64decode(packet["p2p"]["record"])
    for position in range(len(record)):
        damaged = bytearray(record)
        damaged[position] ^= 1 << (position % 8)
        packet["p2p"]["record"] = base64.b64encode(damaged).decode()
        assert (refusal_of(packet).field or "").startswith("p2p.")


def test_refuses_a_record_under_a_key_that_is_not_its_owners_id(identity):
    record = Record.create(identity, b"\x01" * 32, b"value", sequence=1, ttl_s=60)
    p2p = {"record": base64.b64encode(record.encode()).decode()}
    assert refusal_of({"capabilities": [], "p2p": p2p}).field == "p2p.record"


def test_refuses_a_signed_record_that_is_no_node_record(identity):
    record = Record.create(identity, identity.node_id, b"no node", sequence=1, ttl_s=60)
    p2p = {"record": base64.b64encode(record.encode()).decode()}
    assert refusal_of({"capabilities": [], "p2p": p2p}).field == "p2p.record"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "another"}, "name"),
        ({"capabilities": ["other"]}, "capabilities"),
    ],
)
def test_unsigned_keys_must_not_contradict_the_record(signed_packet, change, field):
    assert refusal_of({**signed_packet(), **change}).field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"node_id": "a" * 52}, "p2p.node_id"),
        ({"node_id": 7}, "p2p.node_id"),
        ({"endpoints": ["udp://6.6.6.6:7400"]}, "p2p.endpoints"),
        ({"endpoints": []}, "p2p.endpoints"),
        ({"endpoints": None}, "p2p.endpoints"),
    ],
)
def test_clear_text_beside_the_record_must_repeat_it(signed_packet, change, field):
    packet = signed_packet()
    packet["p2p"] = {**packet["p2p"], **change}
    assert refusal_of(packet).field == field


def test_packet_for_keeps_the_agents_keys_and_lets_the_record_win(signed_packet, identity):
    packet = signed_packet(
        2, name="writer", capabilities=("summarize",), request_schema={"type": "object"}, type="server"
    )
    assert packet["type"] == "server"
    assert packet["name"] == "writer"
    assert packet["request_schema"] == {"type": "object"}
    assert packet["p2p"]["node_id"] == identity.node_id.text
    assert packet["p2p"]["endpoints"] == ["udp://127.0.0.1:7400"]


def test_packet_for_lists_capabilities_that_the_record_has_no_room_for(identity):
    from mesh99.node.registry import packet_for
    from mesh99.wire.node_record import NodeRecord

    record = NodeRecord(
        public_key=identity.public_key,
        endpoints=(),
        name="",
        capabilities=("a",),
        nat="unknown",
        relays=(),
        protocol_version=1,
        sequence=1,
        ttl_s=60,
    )
    packet = packet_for(record, {"name": "n", "capabilities": ["b", "a"], "uuid": "x"}, identity)
    assert packet["capabilities"] == ["a", "b"]
    assert packet["name"] == "n"
    assert parse_packet(msgspec.json.encode(packet), CONFIG).capabilities == ["a", "b"]


def test_another_identity_cannot_be_claimed(signed_packet):
    stranger = Identity.generate(lambda size: b"\x09" * size)
    packet = signed_packet()
    packet["p2p"]["node_id"] = stranger.node_id.text
    assert refusal_of(packet).field == "p2p.node_id"
