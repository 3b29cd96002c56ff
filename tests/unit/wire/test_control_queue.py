"""Pings, answers and requests that wait to leave."""

from __future__ import annotations

import pytest

from mesh99.wire.control_queue import PINGS_MAX, TOKENS_MAX, ControlQueue
from mesh99.wire.errors import PayloadTooLarge
from mesh99.wire.frames import PING, PONG, RPC_BYTES_MAX, Frame, Rpc, Token, decode


def filled(queue: ControlQueue, room: int) -> tuple[list[Frame], int]:
    parts: list[bytes | memoryview] = []
    left = queue.fill(parts, room)
    assert sum(len(part) for part in parts) == room - left
    return decode(b"".join(parts)), left


def test_first_come_first_out_as_far_as_there_is_room() -> None:
    queue = ControlQueue(10)
    assert not queue
    for payload in (b"a" * 50, b"b" * 50, b"c"):
        assert queue.add_rpc(payload)
    assert filled(queue, 60) == ([Rpc(b"a" * 50)], 7)
    assert queue
    assert filled(queue, 60)[0] == [Rpc(b"b" * 50), Rpc(b"c")]
    assert not queue


def test_the_oldest_request_goes_when_it_is_full() -> None:
    queue = ControlQueue(2)
    assert [queue.add_rpc(b"%d" % n) for n in range(3)] == [True, True, False]
    assert filled(queue, 1000)[0] == [Rpc(b"1"), Rpc(b"2")]


def test_a_request_has_to_fit_a_datagram() -> None:
    queue = ControlQueue(2)
    queue.add_rpc(bytes(RPC_BYTES_MAX))
    with pytest.raises(PayloadTooLarge):
        queue.add_rpc(bytes(RPC_BYTES_MAX + 1))


def test_an_answer_is_measured_once() -> None:
    queue = ControlQueue(2)
    queue.add_ping(1.0)
    ((kind, token),) = filled(queue, 100)[0]
    assert kind == PING
    assert queue.round_trip_s(token, 1.25) == 0.25
    assert queue.round_trip_s(token, 1.5) is None
    assert queue.round_trip_s(b"whatever", 1.5) is None


def test_pings_and_answers_are_bounded() -> None:
    queue = ControlQueue(2)
    for _ in range(3 * TOKENS_MAX):
        queue.add_pong(b"12345678")
    assert filled(queue, 10_000)[0] == [Token(PONG, b"12345678")] * TOKENS_MAX
    for _ in range(3 * PINGS_MAX):
        queue.add_ping(0.0)
    tokens = [frame.token for frame in filled(queue, 10_000)[0] if isinstance(frame, Token)]
    assert len(set(tokens)) == 3 * PINGS_MAX
    assert sum(queue.round_trip_s(token, 1.0) is not None for token in tokens) == PINGS_MAX
