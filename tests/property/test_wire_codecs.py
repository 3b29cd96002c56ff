"""Codecs give back what went in and raise DecodeError only; damaged handshake packets never make a wrong session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from handshake_pair import ANSWERER, CALLER, accept, call, match, session
from hypothesis import given
from hypothesis import strategies as st

from mesh99.wire.attributes import ATTRIBUTES_BYTES_MAX, NAME, VERSION, Value, checked, flat, unflat
from mesh99.wire.codec import ITEMS_MAX, Reader, pack, unpack
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError, DecodeError, HandshakeFailed
from mesh99.wire.handshake import Established, Initiation, Rejected
from mesh99.wire.handshake_packets import split_initial
from mesh99.wire.handshake_payload import CIPHER_CHACHA, Payload
from mesh99.wire.identity import Identity, NodeId, PublicKey
from mesh99.wire.node_record import NodeRecord
from mesh99.wire.record import VALUE_BYTES_MAX, Record


def checked_if_small(attributes: dict[str, Value]) -> dict[str, Value]:
    """Return attributes as they are published, none where they are too many bytes."""
    return {} if len(pack(flat(attributes))) > ATTRIBUTES_BYTES_MAX else checked(attributes)


keys = st.binary(min_size=32, max_size=32).map(PublicKey)
hosts = st.ip_addresses(v=4) | st.ip_addresses(v=6).filter(lambda ip: ip.ipv4_mapped is None)
endpoints = st.builds(Endpoint, st.sampled_from(["udp", "tcp"]), hosts.map(str), st.integers(0, 65_535))
contacts = st.builds(Contact, keys, endpoints)
u64 = st.integers(0, 2**64 - 1)
u32 = st.integers(0, 2**32 - 1)
texts = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=16)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20),
    lambda children: st.lists(children, max_size=6),
    max_leaves=20,
)
payloads = st.builds(
    Payload,
    signing_key=keys,
    connection_id=u64,
    ciphers=st.integers(0, 127).map(lambda bits: bits | CIPHER_CHACHA),
    reset_token=st.binary(min_size=16, max_size=16),
    tcp_port=st.integers(0, 65_535),
    observed=st.none() | endpoints,
    early=st.binary(max_size=1000),
    flags=st.integers(0, 127),
    next_port=st.integers(0, 65_535),
)
names = st.from_regex(NAME, fullmatch=True).filter(lambda name: name not in ("version", "load"))
numbers = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15)
attributes = st.builds(
    lambda free, version, load: {**free, "version": version, "load": load},
    st.dictionaries(names, texts | numbers | st.lists(texts, max_size=4).map(tuple), max_size=3),
    st.from_regex(VERSION, fullmatch=True),
    st.floats(0, 1) | st.integers(0, 1),
).map(checked_if_small)
node_records = st.builds(
    NodeRecord,
    public_key=st.just(CALLER.public_key),
    endpoints=st.lists(endpoints, max_size=8).map(tuple),
    name=st.just("") | texts,
    capabilities=st.lists(texts, max_size=6).map(tuple),
    nat=texts.filter(lambda text: len(text.encode()) <= 32),
    relays=st.lists(contacts, max_size=3).map(tuple),
    protocol_version=st.integers(0, 255),
    attributes=attributes,
    sequence=u64,
    ttl_s=u32,
)
OWNER = Identity(b"\x09" * 32)
SIZE = 420
"""Of first packets here: long enough to be answered, short enough to flip each bit."""


def whole(data: bytes, unpack_one: Callable[[Reader], object]) -> object:
    reader = Reader(data, "test")
    value = unpack_one(reader)
    reader.end()
    return value


def depth(value: object) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(plain)
def test_plain_values_survive(value: object) -> None:
    data = pack(value)
    if depth(value) > 4 or len(data) > 2048:
        with pytest.raises(DecodeError):
            unpack(data, "test")
    else:
        assert unpack(data, "test") == value


@given(st.lists(st.integers(0, 9), max_size=2 * ITEMS_MAX))
def test_arrays_are_bounded(items: list[int]) -> None:
    if len(items) <= ITEMS_MAX:
        assert unpack(pack(items), "test") == items
    else:
        with pytest.raises(DecodeError):
            unpack(pack(items), "test")


@given(endpoints)
def test_endpoints_survive_as_bytes_and_as_text(endpoint: Endpoint) -> None:
    assert whole(endpoint.pack(), Endpoint.unpack) == endpoint
    assert Endpoint.parse(str(endpoint)) == endpoint


@given(contacts)
def test_contacts_survive(contact: Contact) -> None:
    assert whole(contact.pack(), Contact.unpack) == contact


@given(st.binary(min_size=32, max_size=32).map(NodeId))
def test_ids_survive(node_id: NodeId) -> None:
    assert NodeId.parse(node_id.text) == node_id
    assert NodeId.lowest_with_short(node_id.short).number <= node_id.number


@given(st.binary(min_size=32, max_size=32), u64, u32, st.binary(max_size=VALUE_BYTES_MAX))
def test_records_survive(key: bytes, sequence: int, ttl_s: int, value: bytes) -> None:
    record = Record.create(OWNER, key, value, sequence=sequence, ttl_s=ttl_s)
    again = Record.decode(record.encode())
    assert again == record
    assert again.verify()


@given(node_records)
def test_node_records_survive_but_for_capabilities_that_have_no_room(node: NodeRecord) -> None:
    again = NodeRecord.from_record(node.to_record(CALLER))
    assert again.capabilities == node.capabilities[: len(again.capabilities)]
    for name in (
        "public_key",
        "endpoints",
        "name",
        "nat",
        "relays",
        "protocol_version",
        "attributes",
        "sequence",
        "ttl_s",
    ):
        assert getattr(again, name) == getattr(node, name)


@given(plain)
def test_what_is_read_as_attributes_is_what_would_be_written(items: object) -> None:
    with contextlib.suppress(DecodeError):
        assert unpack(pack(flat(unflat(items, "any"))), "any") == items


@given(payloads, st.integers(0, 100))
def test_payloads_survive_with_padding(payload: Payload, padding: int) -> None:
    assert Payload.decode(payload.encode() + bytes(padding)) == payload


DECODERS: dict[str, Callable[[bytes], object]] = {
    "unpack": lambda data: unpack(data, "test"),
    "endpoint": lambda data: whole(data, Endpoint.unpack),
    "contact": lambda data: whole(data, Contact.unpack),
    "record": Record.decode,
    "node record": lambda data: NodeRecord.from_record(
        Record(bytes(32), CALLER.public_key, 1, 1, data, bytes(64))
    ),
    "payload": Payload.decode,
    "split": split_initial,
    "initial": accept,
    "answer": lambda data: called(ANSWERER.public_key).receive(data),
}
SEEDS: dict[str, bytes] = {
    "unpack": pack([1, b"x", ["y", [None]]]),
    "endpoint": Endpoint("tcp", "2001:db8::1", 7400).pack(),
    "contact": Contact(CALLER.public_key, Endpoint("udp", "192.0.2.1", 1)).pack(),
    "record": Record.create(OWNER, bytes(32), b"value", sequence=1, ttl_s=1).encode(),
    "node record": NodeRecord(public_key=CALLER.public_key, name="n", capabilities=("a", "b"))
    .to_record(CALLER)
    .value,
    "payload": Payload(CALLER.public_key, 1, 1, bytes(16), 0, None, b"early").encode(),
    "split": call().packet(),
    "initial": call().packet(),
    "answer": accept(call().packet()).reply(),
}


def called(key: PublicKey | None) -> Initiation:
    """Return a call that waits for its answer."""
    initiation = call(key)
    initiation.packet(cookie=bytes(16), size=SIZE)
    return initiation


def edited(good: bytes) -> st.SearchStrategy[bytes]:
    """Damage a good form somewhere: random bytes alone never get past the first checks."""
    spots = st.tuples(st.integers(0, len(good)), st.integers(0, 8), st.binary(max_size=8))
    return spots.map(lambda spot: good[: spot[0]] + spot[2] + good[spot[0] + spot[1] :])


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_any_bytes_are_read_or_raise_a_decode_error(name: str, data: st.DataObject) -> None:
    raw = data.draw(st.binary(max_size=1400) | edited(SEEDS[name]))
    with contextlib.suppress(DecodeError, HandshakeFailed):
        DECODERS[name](raw)


def damaged(packet: bytes) -> list[bytes]:
    """Return the packet cut at each byte, and with each bit flipped."""
    flipped = []
    for bit in range(len(packet) * 8):
        other = bytearray(packet)
        other[bit // 8] ^= 1 << bit % 8
        flipped.append(bytes(other))
    return [packet[:end] for end in range(len(packet))] + flipped


@pytest.mark.parametrize("key", [ANSWERER.public_key, None], ids=["IK", "XX"])
def test_a_damaged_first_packet_makes_no_wrong_session(key: PublicKey | None) -> None:
    answers: list[bool] = []
    for packet in damaged(call(key).packet(cookie=bytes(16), size=SIZE)):
        try:
            acceptance = accept(packet)
        except DecodeError as error:
            answers += [len(error.packet) <= len(packet)] if isinstance(error, Rejected) else []
            continue
        outcome = called(key).receive(acceptance.reply())
        if isinstance(outcome, Established):
            answerer = acceptance.established or acceptance.receive_final(outcome.final_packet)
            assert match(outcome, answerer)
    assert answers
    assert all(answers)


@pytest.mark.parametrize("key", [ANSWERER.public_key, None], ids=["IK", "XX"])
def test_a_damaged_reply_makes_no_session_and_does_not_end_the_handshake(key: PublicKey | None) -> None:
    initiation = call(key)
    acceptance = accept(initiation.packet(size=SIZE))
    reply = acceptance.reply(b"", Endpoint("udp", "192.0.2.1", 7400))
    for packet in damaged(reply):
        assert initiation.receive(packet) is None
    caller = session(initiation, reply)
    assert match(caller, acceptance.established or acceptance.receive_final(caller.final_packet))


def test_a_damaged_final_packet_makes_no_session_and_does_not_end_the_handshake() -> None:
    initiation = call(None)
    acceptance = accept(initiation.packet(size=SIZE))
    caller = session(initiation, acceptance.reply())
    for packet in damaged(caller.final_packet):
        with pytest.raises(DecodeError):
            acceptance.receive_final(packet)
        assert acceptance.established is None
    assert match(caller, acceptance.receive_final(caller.final_packet))


@given(st.text(max_size=60))
def test_any_text_is_an_endpoint_or_a_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        endpoint = Endpoint.parse(text)
        assert Endpoint.parse(str(endpoint)) == endpoint


@given(st.text(max_size=60))
def test_any_text_is_an_id_or_a_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert len(NodeId.parse(text)) == 32
