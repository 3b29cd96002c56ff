"""NAT messages: what is written is read, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh99.nat.messages import (
    CIRCUIT_MAX,
    CallBack,
    Closed,
    Deliver,
    Incoming,
    NatMessage,
    Open,
    Opened,
    Reason,
    Refused,
    Reserve,
    Reserved,
    decode,
    encode,
)
from mesh99.wire.codec import pack
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import NodeId

HERE = Endpoint("udp", "20.0.0.1", 7400)
TARGET = NodeId(bytes(range(32)))
MESSAGES: list[NatMessage] = [
    Reserve(),
    Reserved(3600),
    Open(2, TARGET),
    Opened(2, HERE),
    Refused(2, Reason.TOO_MANY),
    Incoming(CIRCUIT_MAX, Endpoint("udp", "2001:db8::1", 1)),
    Closed(3),
    CallBack(bytes(12), 7400),
    Deliver(bytes(12), HERE),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_read_back(message: NatMessage) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES)
def test_fields_that_are_added_later_are_ignored(message: NatMessage) -> None:
    longer = encode(message)
    assert decode(bytes([longer[0] + 1]) + longer[1:] + pack("more")) == message


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_cut_short_is_refused(message: NatMessage) -> None:
    data = encode(message)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            decode(data[:size])


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [0],
        [99],
        ["1"],
        [2, -1],
        [2, "60"],
        [3, 2, bytes(31)],
        [3, CIRCUIT_MAX + 1, bytes(32)],
        [4, 2],
        [4, 2, b"nonsense"],
        [5, 2, 256],
        [8, bytes(11), 1],
        [8, bytes(12), 65_536],
        [9, bytes(12), HERE.pack() + b"\0"],
    ],
)
def test_what_is_out_of_bounds_is_refused(fields: list[object]) -> None:
    with pytest.raises(DecodeError):
        decode(pack(fields))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        message = decode(data)
    except DecodeError:
        return
    assert decode(encode(message)) == message
