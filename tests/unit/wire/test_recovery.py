"""Loss, probes and the congestion window."""

from __future__ import annotations

import pytest

from mesh99.wire.recovery import (
    GRANULARITY_S,
    INITIAL_RTT_S,
    INITIAL_WINDOW_BYTES,
    MINIMUM_WINDOW_BYTES,
    PACKET_THRESHOLD,
    PROBE_PACKETS,
    Recovery,
    RttEstimate,
    Sent,
)

SIZE = 1200
ACK_DELAY_S = 0.02


def recovery(*, datagram: bool = True, window_max: int = 1 << 20) -> Recovery:
    return Recovery(window_max, ACK_DELAY_S, datagram=datagram)


def send(target: Recovery, *counters: int, now: float = 0.0) -> list[Sent]:
    packets = [Sent(now, SIZE, [(0, counter * 10, b"x" * 10)], False) for counter in counters]
    for counter, packet in zip(counters, packets, strict=True):
        target.sent(counter, packet)
    return packets


def test_the_first_sample_sets_the_round_trip_and_others_move_it() -> None:
    rtt = RttEstimate()
    rtt.add(0.1)
    assert (rtt.smoothed_s, rtt.variance_s) == (0.1, 0.05)
    rtt.add(0.2)
    assert rtt.smoothed_s == pytest.approx(0.1125)
    rtt.add(0.13, delay_s=0.02)
    assert rtt.smoothed_s == pytest.approx(0.1125 + (0.11 - 0.1125) / 8)
    assert rtt.minimum_s == 0.1


def test_a_delay_never_makes_a_sample_shorter_than_the_shortest() -> None:
    rtt = RttEstimate()
    rtt.add(0.1)
    rtt.add(0.11, delay_s=0.1)
    assert rtt.smoothed_s == pytest.approx(0.1 + 0.01 / 8)


def test_what_arrived_is_returned_once() -> None:
    target = recovery()
    packets = send(target, 0, 1, 2)
    assert target.in_flight == 3 * SIZE
    assert target.acknowledged([(0, 1)], 0.0, 0.1) == (packets[:2], [])
    assert target.acknowledged([(0, 1)], 0.0, 0.2) == ([], [])
    assert target.in_flight == SIZE
    assert target.rtt.smoothed_s == pytest.approx(0.1)


def test_no_sample_from_a_packet_that_was_known_before() -> None:
    target = recovery()
    send(target, 0, 1)
    target.acknowledged([(1, 1)], 0.0, 0.1)
    target.acknowledged([(0, 1)], 0.0, 5.0)
    assert target.rtt.smoothed_s == pytest.approx(0.1)


def test_three_later_ones_tell_a_loss() -> None:
    target = recovery()
    packets = send(target, *range(5))
    _, lost = target.acknowledged([(1, PACKET_THRESHOLD)], 0.0, 0.1)
    assert lost == [packets[0]]
    assert target.window < INITIAL_WINDOW_BYTES


def test_time_tells_a_loss_that_fewer_later_ones_do_not() -> None:
    target = recovery()
    packets = send(target, 0, 1)
    assert target.acknowledged([(1, 1)], 0.0, 0.1) == ([packets[1]], [])
    due = target.next_timeout()
    assert due == pytest.approx(0.1 * 9 / 8)
    assert target.handle_timeout(due - 0.001) == []
    assert target.handle_timeout(due) == [packets[0]]
    assert target.next_timeout() is None


def test_the_window_shrinks_once_for_all_losses_of_a_round_trip() -> None:
    target = recovery()
    send(target, *range(8))
    target.acknowledged([(5, 5)], 0.0, 0.1)
    after_first = target.window
    target.acknowledged([(7, 7)], 0.0, 0.11)
    assert target.window == after_first


def test_probes_double_and_carry_the_oldest() -> None:
    target = recovery()
    packets = send(target, *range(6))
    first = target.next_timeout()
    assert first == pytest.approx(2 * INITIAL_RTT_S)
    assert target.handle_timeout(first) == packets[:PROBE_PACKETS]
    second = target.next_timeout()
    assert second is not None
    assert second - first == pytest.approx(2 * first)
    assert target.handle_timeout(second) == packets[PROBE_PACKETS : 2 * PROBE_PACKETS]


def test_a_probe_may_go_when_the_window_is_full() -> None:
    target = recovery()
    send(target, *range(20))
    assert not target.may_send
    due = target.next_timeout()
    assert due is not None
    target.handle_timeout(due)
    for counter in range(PROBE_PACKETS):
        assert target.may_send
        send(target, 20 + counter, now=due)
    assert not target.may_send


def test_time_outs_in_a_row_collapse_the_window_and_an_ack_ends_them() -> None:
    target = recovery()
    counter = 0
    for _ in range(4):
        send(target, counter, counter + 1, now=target.next_timeout() or 0.0)
        counter += 2
        due = target.next_timeout()
        assert due is not None
        target.handle_timeout(due)
    assert target.window == MINIMUM_WINDOW_BYTES
    send(target, counter, now=due)
    target.acknowledged([(counter, counter)], 0.0, due + 0.05)
    send(target, counter + 1, now=due + 0.05)
    wait = target.next_timeout()
    assert wait is not None
    assert wait - (due + 0.05) < 0.3


def test_the_window_grows_only_when_it_is_used_and_never_over_its_limit() -> None:
    idle = recovery()
    for counter in range(20):
        send(idle, counter, now=float(counter))
        idle.acknowledged([(counter, counter)], 0.0, counter + 0.01)
    assert idle.window == INITIAL_WINDOW_BYTES
    busy = recovery(window_max=50_000)
    counter = 0
    for turn in range(20):
        first = counter
        while busy.may_send:
            send(busy, counter, now=float(turn))
            counter += 1
        busy.acknowledged([(first, counter - 1)], 0.0, turn + 0.01)
    assert busy.window == 50_000


def test_nothing_is_timed_on_tcp() -> None:
    target = recovery(datagram=False)
    packets = send(target, *range(10))
    assert target.next_timeout() is None
    assert target.handle_timeout(1e9) == []
    assert target.acknowledged([(5, 9)], 0.0, 1.0) == (packets[5:], [])
    assert target.change_path(datagram=True) == packets[:5]
    assert target.in_flight == 0
    assert target.next_timeout() is None


def test_an_ack_of_a_huge_range_costs_no_more_than_what_waits() -> None:
    target = recovery()
    packets = send(target, 7)
    assert target.acknowledged([(0, (1 << 64) - 1)], 0.0, 0.1) == (packets, [])


def test_granularity_bounds_the_loss_delay_on_short_paths() -> None:
    target = recovery()
    packets = send(target, 0, 1)
    target.acknowledged([(1, 1)], 0.0, 0.00001)
    assert target.next_timeout() == pytest.approx(GRANULARITY_S)
    assert target.handle_timeout(GRANULARITY_S) == [packets[0]]
