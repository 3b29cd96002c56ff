import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.timing import Timing
from mesh99.wire.identity import NodeId

PEER, OTHER = NodeId(b"a" * 32), NodeId(b"b" * 32)


@pytest.fixture
def timing() -> Timing:
    return Timing(DhtConfig())


def test_unknown_peers_in_an_unknown_network_get_the_first_timeout(timing: Timing) -> None:
    assert timing.timeout_s(timing.of(PEER)) == DhtConfig().timeout_first_s


def test_samples_follow_rfc_6298(timing: Timing) -> None:
    peer = timing.of(PEER)
    timing.measured(peer, 0.1, tries=1)
    assert timing.timeout_s(peer) == pytest.approx(0.1 + 4 * 0.05)
    timing.measured(peer, 0.2, tries=1)
    assert timing.timeout_s(peer) == pytest.approx(0.1125 + 4 * (0.05 + (0.1 - 0.05) / 4))


def test_a_peer_that_was_asked_under_load_is_as_near_as_it_ever_was(timing: Timing) -> None:
    near, far = timing.of(PEER), timing.of(OTHER)
    timing.measured(near, 0.001, tries=1)
    for _ in range(3):
        timing.measured(near, 0.030, tries=1)
        timing.measured(far, 0.008, tries=1)
    assert near.smoothed_s is not None
    assert far.smoothed_s is not None
    assert near.smoothed_s > far.smoothed_s
    assert timing.expected_rtt_s(PEER) < timing.expected_rtt_s(OTHER)


def test_a_way_that_has_become_longer_counts_as_that_after_a_while(timing: Timing) -> None:
    moved = timing.of(PEER)
    timing.measured(moved, 0.001, tries=1)
    timing.measured(timing.of(OTHER), 0.008, tries=1)
    tries = 0
    while timing.expected_rtt_s(PEER) < 0.008:
        timing.measured(moved, 0.030, tries=1)
        tries += 1
    assert 3 < tries < 12


def test_timeouts_stay_between_floor_and_ceiling(timing: Timing) -> None:
    peer = timing.of(PEER)
    timing.measured(peer, 0.0002, tries=1)
    assert timing.timeout_s(peer) == 0.02
    timing.measured(timing.of(OTHER), 30.0, tries=1)
    assert timing.timeout_s(timing.of(OTHER)) == 2.0


def test_a_new_peer_gets_four_medians_of_the_network(timing: Timing) -> None:
    for index in range(16):
        timing.measured(timing.of(NodeId(bytes([index]) * 32)), 0.05, tries=1)
    assert timing.timeout_s(timing.of(PEER)) == pytest.approx(0.2)


def test_the_hedge_is_a_quick_round_trip_but_not_below_the_floor(timing: Timing) -> None:
    assert timing.hedge_s == DhtConfig().timeout_first_s / 4
    for rtt_s in (0.4, 0.3, 0.2, 0.08, 0.5, 0.6, 0.7, 0.8, 0.9):
        timing.measured(timing.of(PEER), rtt_s, tries=1)
    assert timing.hedge_s == pytest.approx(0.3)
    for _ in range(16):
        timing.measured(timing.of(PEER), 0.001, tries=1)
    assert timing.hedge_s == 0.02


def test_answers_to_repeated_requests_are_no_samples_of_the_peer_but_of_the_network(timing: Timing) -> None:
    peer = timing.of(PEER)
    for _ in range(4):
        timing.measured(peer, 0.1, tries=2)
    assert peer.smoothed_s is None
    assert timing.first_timeout_s == pytest.approx(0.16)
    assert timing.first_timeout_s > 0.1, "were it that slow, the next would be answered at the first try"


def test_a_packet_lost_at_first_does_not_make_the_next_loss_last_long(timing: Timing) -> None:
    timing.measured(timing.of(PEER), 0.55, tries=2)
    assert timing.first_timeout_s == pytest.approx(0.88)


def test_the_quickest_of_the_first_answers_does_not_make_all_others_late(timing: Timing) -> None:
    peer = timing.of(PEER)
    first_s = timing.first_timeout_s
    for rtt_s in (0.001, 0.3, 0.2):
        timing.measured(peer, rtt_s, tries=1)
        assert timing.first_timeout_s >= first_s
    timing.measured(peer, 0.02, tries=1)
    assert timing.first_timeout_s == pytest.approx(0.8), "four times the median of four"


def test_timeouts_double_until_a_sample_comes(timing: Timing) -> None:
    peer = timing.of(PEER)
    timing.measured(peer, 0.001, tries=1)
    assert timing.expired(peer, 0.02) == 0.04
    assert timing.expired(peer, 0.02) == 0.04, "many requests late at once are not compounded"
    assert timing.timeout_s(peer) == 0.04
    assert timing.expired(peer, 1.9) == 2.0
    timing.measured(peer, 0.001, tries=1)
    assert timing.timeout_s(peer) == 0.02


def test_failed_peers_are_avoided_ever_longer_until_heard(timing: Timing, make_contact) -> None:
    contact = make_contact(5)
    assert timing.failed(contact.node_id, sent_at=0.0, now=1.0)
    assert timing.not_avoided([contact], 5.9) == []
    assert timing.not_avoided([contact], 6.0) == [contact]
    assert timing.failed(contact.node_id, sent_at=6.0, now=7.0)
    assert timing.avoided_until(contact.node_id) == 17.0
    timing.heard(contact.node_id)
    assert timing.not_avoided([contact], 8.0) == [contact]


def test_requests_lost_together_are_one_failure(timing: Timing) -> None:
    assert timing.failed(PEER, sent_at=0.0, now=1.0)
    assert not timing.failed(PEER, sent_at=0.5, now=1.1)
    assert timing.of(PEER).failures == 1


def test_only_a_bounded_number_of_peers_is_remembered() -> None:
    timing = Timing(DhtConfig(peers_max=3))
    timing.failed(PEER, 0.0, 1.0)
    for index in range(3):
        timing.of(NodeId(bytes([index]) * 32))
    assert timing.avoided_until(PEER) == 0.0
    assert timing.of(PEER).failures == 0


def test_a_second_try_is_waited_for_without_doubling(timing: Timing) -> None:
    assert timing.second_wait_s(timing.of(PEER)) == DhtConfig().timeout_first_s
    timing.measured(timing.of(PEER), 0.1, tries=1)
    timing.expired(timing.of(PEER), 0.3)
    assert timing.second_wait_s(timing.of(PEER)) == pytest.approx(0.3)


def test_for_a_peer_never_measured_the_network_counts_as_one_peer_with_karns_rule(timing: Timing) -> None:
    timing.measured(timing.of(PEER), 0.1, tries=1)
    timing.measured(timing.of(PEER), 1.9, tries=2)
    assert timing.second_wait_s(timing.of(OTHER)) == pytest.approx(0.3)


def test_the_usual_round_trip_is_of_all_peers_however_often_each_is_asked(timing: Timing) -> None:
    for index in range(9):
        timing.measured(timing.of(NodeId(bytes([index]) * 32)), 0.1 * (index + 1), tries=1)
    for _ in range(40):
        timing.measured(timing.of(NodeId(bytes(32))), 0.1, tries=1)
    assert timing.median_s == pytest.approx(0.1)
    assert timing.usual_s == pytest.approx(0.5)


def test_a_peer_that_was_slow_under_load_is_waited_for_no_longer_than_twice_a_quick_round_trip(
    timing: Timing,
) -> None:
    slow, other = timing.of(PEER), timing.of(OTHER)
    for _ in range(8):
        timing.measured(slow, 0.5, tries=1)
    for _ in range(16):
        timing.measured(other, 0.01, tries=1)
    assert timing.patience_s(PEER) == pytest.approx(0.02)
    assert DhtConfig().hedge_s_min <= timing.patience_s(OTHER) <= 0.02
