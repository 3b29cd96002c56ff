"""What nodes say about ways: every message survives, and any bytes are read or refused."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from mesh99.nat.messages import (
    CANDIDATES_MAX,
    CIRCUIT_MAX,
    LIFE_S_MAX,
    NAT_KINDS,
    TOKEN_BYTES,
    CallBack,
    Candidates,
    Closed,
    Deliver,
    Incoming,
    NatMessage,
    Open,
    Opened,
    Refused,
    Reserve,
    Reserved,
    Search,
    decode,
    encode,
)
from mesh99.nat.observations import STEP_MAX
from mesh99.wire.codec import pack, unpack
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import NodeId

ports = st.integers(0, 65_535)
hosts = st.ip_addresses(v=4).map(str) | st.just("2001:db8::1")
endpoints = st.builds(Endpoint, st.sampled_from(("udp", "tcp")), hosts, ports)
circuits = st.integers(0, CIRCUIT_MAX)
tokens = st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES)
node_ids = st.binary(min_size=32, max_size=32).map(NodeId)
places = st.lists(endpoints, max_size=CANDIDATES_MAX).map(tuple)
messages: st.SearchStrategy[NatMessage] = st.one_of(
    st.just(Reserve()),
    st.builds(Reserved, st.integers(0, LIFE_S_MAX)),
    st.builds(Open, circuits, node_ids),
    st.builds(Opened, circuits, endpoints),
    st.builds(Refused, circuits, st.integers(0, 255)),
    st.builds(Incoming, circuits, endpoints),
    st.builds(Closed, circuits),
    st.builds(CallBack, tokens, ports),
    st.builds(Deliver, tokens, endpoints),
    st.builds(Candidates, places, st.sampled_from(NAT_KINDS), ports, st.integers(0, STEP_MAX)),
    st.just(Search()),
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=10),
    max_leaves=20,
)


@given(messages)
def test_messages_survive(message: NatMessage) -> None:
    assert decode(encode(message)) == message


@given(messages, st.lists(st.integers(0, 9), max_size=3))
def test_a_longer_message_is_read_without_its_tail(message: NatMessage, tail: list[int]) -> None:
    fields = unpack(encode(message), "nat message")
    assert isinstance(fields, list)
    assert decode(pack([*fields, *tail])) == message


@given(st.binary(max_size=200) | st.lists(plain, max_size=6).map(pack))
def test_any_bytes_are_read_or_raise_a_decode_error(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(data)


@given(st.lists(plain, min_size=4, max_size=4))
def test_what_is_read_as_candidates_is_in_bounds(fields: list[object]) -> None:
    with contextlib.suppress(DecodeError):
        read = decode(pack([10, *fields]))
        assert isinstance(read, Candidates)
        assert len(read.endpoints) <= CANDIDATES_MAX
        assert read.step <= STEP_MAX
