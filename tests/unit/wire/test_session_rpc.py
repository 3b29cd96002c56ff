"""Requests that go alone: sealed at once where nothing else waits, left to the queue where something does."""

from __future__ import annotations

import pytest
from session_link import A_UDP, B_UDP, session_pair

from mesh99.wire.endpoint import Endpoint
from mesh99.wire.frames import RPC_BYTES_MAX
from mesh99.wire.session import Session


def test_one_that_goes_alone_leaves_at_once_and_asks_for_no_acknowledgement() -> None:
    a, b = session_pair()
    for size in (0, 1, RPC_BYTES_MAX):
        sealed = a.send_rpc_alone(bytes(size), 0.0)
        assert sealed is not None
        packet, destination = sealed
        assert destination == B_UDP
        assert len(packet) <= 1200
        assert b.receive(packet, A_UDP, 0.0)
    assert [len(each) for each in b.rpcs] == [0, 1, RPC_BYTES_MAX]
    assert not a.wants_to_send
    assert not b.wants_to_send
    assert b.next_timeout() is None
    assert a.tx_bytes == b.rx_bytes


def owes_an_acknowledgement(a: Session, b: Session) -> None:
    b.send_message(b"hello")
    for packet, _ in b.take_packets(0.0):
        assert a.receive(packet, B_UDP, 0.0)


def has_a_message_to_send(a: Session, b: Session) -> None:
    a.send_message(b"hello")


def has_a_ping_to_send(a: Session, b: Session) -> None:
    a.ping(0.0)


def is_over(a: Session, b: Session) -> None:
    a.close("done")


def goes_over_tcp(a: Session, b: Session) -> None:
    a.use_path(Endpoint("tcp", *B_UDP[1:]), 0.0)
    a.take_packets(0.0)


def goes_through_a_relay(a: Session, b: Session) -> None:
    a.use_path(Endpoint("relay", *B_UDP[1:]), 0.0)
    a.take_packets(0.0)


@pytest.mark.parametrize(
    "prepare",
    [
        owes_an_acknowledgement,
        has_a_message_to_send,
        has_a_ping_to_send,
        is_over,
        goes_over_tcp,
        goes_through_a_relay,
    ],
)
def test_where_there_is_more_to_send_or_another_way_to_go_it_is_left_to_the_queue(prepare) -> None:
    a, b = session_pair()
    prepare(a, b)
    sent = a.tx_bytes
    assert a.send_rpc_alone(b"question", 0.0) is None
    assert a.tx_bytes == sent


def test_one_that_is_too_long_is_left_to_the_queue_which_says_so() -> None:
    a, _ = session_pair()
    assert a.send_rpc_alone(bytes(RPC_BYTES_MAX + 1), 0.0) is None
