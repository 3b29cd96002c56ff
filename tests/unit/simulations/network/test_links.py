"""Bursts and queues."""

from __future__ import annotations

from itertools import groupby
from random import Random

import pytest

from mesh99.simulations.network.links import Bursts, Queues

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(("share", "mean"), [(0.02, 8.0), (0.2, 3.0), (0.5, 1.5)])
def test_bursts_have_the_share_and_the_length_asked_for(share: float, mean: float) -> None:
    bursts = Bursts(share, mean, Random(1))
    lost = [bursts.loses(1) for _ in range(200_000)]
    runs = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
    assert sum(lost) / len(lost) == pytest.approx(share, rel=0.1)
    assert sum(runs) / len(runs) == pytest.approx(mean, rel=0.1)


def test_the_lengths_of_bursts_are_geometric() -> None:
    bursts = Bursts(0.1, 4.0, Random(2))
    lost = [bursts.loses(1) for _ in range(200_000)]
    runs = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
    for length in (1, 2, 3):
        assert runs.count(length) / len(runs) == pytest.approx(0.25 * 0.75 ** (length - 1), rel=0.1)


def test_senders_have_bursts_of_their_own() -> None:
    bursts = Bursts(0.3, 10.0, Random(3))
    both = [(bursts.loses(1), bursts.loses(2)) for _ in range(50_000)]
    assert sum(a and b for a, b in both) / len(both) == pytest.approx(0.09, rel=0.2)


@pytest.mark.parametrize(("share", "expected"), [(1.0, True), (0.0, False)])
def test_all_or_nothing(share: float, expected: bool) -> None:
    bursts = Bursts(share, 8.0, Random(1))
    assert [bursts.loses(1) for _ in range(1000)] == [expected] * 1000


def test_packets_pass_one_after_the_other_at_the_bandwidth() -> None:
    queues = Queues(1000.0, queue_bytes=500)
    assert [queues.passes_at(1, 100, 0) for _ in range(7)] == [
        SECOND_NS * tenths // 10 for tenths in (1, 2, 3, 4, 5)
    ] + [None, None]
    assert queues.passes_at(1, 100, SECOND_NS // 10) == SECOND_NS * 6 // 10
    assert queues.passes_at(2, 100, 0) == SECOND_NS // 10, "each node has a line of its own"


def test_an_idle_line_takes_a_packet_larger_than_the_queue() -> None:
    queues = Queues(1000.0, queue_bytes=500)
    assert queues.passes_at(1, 2000, 0) == 2 * SECOND_NS
    assert queues.passes_at(1, 1, SECOND_NS) is None


def test_room_comes_when_it_is_said_to() -> None:
    queues = Queues(1000.0, queue_bytes=500)
    for _ in range(5):
        queues.take(1, 100, 0)
    at_ns = queues.room_at(1, 300, 0)
    assert at_ns == SECOND_NS * 3 // 10
    assert queues.passes_at(1, 300, at_ns - 1) is None
    assert queues.passes_at(1, 300, at_ns) == SECOND_NS * 8 // 10
