"""Which packets came, and when that is said."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.wire.frames import Ack, decode
from mesh99.wire.received import RANGES_MAX, RIDE_S, Received
from mesh99.wire.session_config import SessionConfig

UDP, TCP = SessionConfig().datagram_acks, SessionConfig().stream_acks


def ranges_of(received: Received, now: float = 0.0) -> list[tuple[int, int]]:
    (ack,) = decode(received.take_ack(now))
    assert isinstance(ack, Ack)
    return ack.ranges


def test_the_second_datagram_is_acknowledged_at_once() -> None:
    received = Received()
    assert not received.add(0, 100, True, 1.0, UDP)
    assert received.ack_due_at == pytest.approx(1.0 + UDP.delay_s)
    assert not received.is_due(1.001)
    assert received.add(1, 100, True, 1.001, UDP)
    assert received.is_due(1.001)
    assert ranges_of(received) == [(0, 1)]
    assert received.ack_due_at is None


def test_a_gap_is_reported_at_once() -> None:
    received = Received()
    received.add(0, 100, True, 1.0, UDP)
    received.take_ack(1.0)
    assert received.add(2, 100, True, 1.0, UDP)
    assert ranges_of(received) == [(2, 2), (0, 0)]
    assert received.add(1, 100, True, 1.0, UDP)
    assert ranges_of(received) == [(0, 2)]


def test_what_asks_for_no_ack_gets_none() -> None:
    received = Received()
    for counter in (0, 1, 5, 3):
        assert not received.add(counter, 100, False, 1.0, UDP)
    assert received.ack_due_at is None
    assert received.ride_bytes(2.0) == 0
    received.add(6, 100, True, 2.0, UDP)
    assert ranges_of(received) == [(5, 6), (3, 3), (0, 1)]


def test_tcp_waits_for_packets_bytes_or_time() -> None:
    received = Received()
    due = [received.add(counter, 100, True, 1.0, TCP) for counter in range(TCP.packets)]
    assert due == [False] * (TCP.packets - 1) + [True]
    received = Received()
    assert not received.add(0, TCP.size_bytes - 1, True, 1.0, TCP)
    assert received.add(1, 1, True, 1.0, TCP)
    received = Received()
    received.add(0, 100, True, 1.0, TCP)
    assert received.ack_due_at == pytest.approx(1.0 + TCP.delay_s)


def test_an_ack_rides_unless_one_went_just_now() -> None:
    received = Received()
    received.add(0, 100, True, 1.0, TCP)
    size = received.ride_bytes(1.0)
    assert size == len(received.take_ack(1.0))
    received.add(1, 100, True, 1.0, TCP)
    assert received.ride_bytes(1.0 + RIDE_S / 2) == 0
    assert received.ride_bytes(1.0 + RIDE_S) == size


def test_the_delay_is_told() -> None:
    received = Received()
    received.add(0, 100, True, 1.0, UDP)
    (ack,) = decode(received.take_ack(1.015))
    assert isinstance(ack, Ack)
    assert ack.delay_s == pytest.approx(0.015, abs=2e-4)


def test_ranges_are_exact_and_bounded() -> None:
    random = Random(3)
    for _ in range(50):
        received, came = Received(), [False] * 60
        counters = random.sample(range(60), 45)
        for counter in counters:
            received.add(counter, 1, True, 0.0, UDP)
            came[counter] = True
            named = [n for first, last in ranges_of(received) for n in range(last, first - 1, -1)]
            assert all(came[n] for n in named)
            assert named == sorted(named, reverse=True)
            assert max(n for n in range(60) if came[n]) == named[0]
    received = Received()
    for counter in range(0, 1000, 2):
        received.add(counter, 1, True, 0.0, UDP)
    assert len(received._ranges) == RANGES_MAX
    received.add(1, 1, True, 0.0, UDP)
    assert len(received._ranges) <= RANGES_MAX
