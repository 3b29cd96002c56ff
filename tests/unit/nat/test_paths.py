"""The choice among the ways to one peer."""

from __future__ import annotations

from mesh99.nat.paths import Paths, PathsConfig
from mesh99.wire.endpoint import Endpoint

PUBLIC, OTHER = Endpoint("udp", "20.0.1.1", 7400), Endpoint("udp", "20.0.2.1", 7400)
LAN = Endpoint("udp", "192.168.0.7", 7400)
RELAY, STANDBY = Endpoint.of_circuit(1), Endpoint.of_circuit(2)
CONFIG = PathsConfig()


def measured(paths: Paths, endpoint: Endpoint, rtt_s: float, now: float = 0.0) -> None:
    paths.asked(endpoint, now)
    paths.answered(endpoint, now + rtt_s)


def test_a_direct_way_comes_before_a_relay_that_is_faster() -> None:
    paths = Paths(CONFIG)
    measured(paths, PUBLIC, 0.3)
    assert paths.prefers(PUBLIC, RELAY, 0.05, 1.0)
    measured(paths, RELAY, 0.05)
    assert not paths.prefers(RELAY, PUBLIC, 0.3, 1.0)


def test_the_own_network_comes_before_the_world() -> None:
    paths = Paths(CONFIG)
    measured(paths, LAN, 0.01)
    measured(paths, PUBLIC, 0.001)
    assert paths.prefers(LAN, PUBLIC, 0.001, 1.0)
    assert not paths.prefers(PUBLIC, LAN, 0.01, 1.0)


def test_a_way_of_the_same_kind_is_taken_when_it_is_clearly_faster() -> None:
    paths = Paths(CONFIG)
    measured(paths, OTHER, 0.085)
    assert not paths.prefers(OTHER, PUBLIC, 0.1, 1.0)
    measured(paths, OTHER, 0.075, 1.0)
    assert paths.prefers(OTHER, PUBLIC, 0.1, 2.0)
    assert not paths.prefers(PUBLIC, OTHER, 0.075, 2.0)


def test_a_way_that_never_answered_is_not_preferred() -> None:
    paths = Paths(CONFIG)
    paths.asked(PUBLIC, 0.0)
    assert not paths.prefers(PUBLIC, RELAY, 0.2, 1.0)


def test_after_a_failure_the_fastest_relay_that_answers_is_taken() -> None:
    paths = Paths(CONFIG)
    measured(paths, PUBLIC, 0.08)
    measured(paths, OTHER, 0.08)
    measured(paths, RELAY, 0.2)
    measured(paths, STANDBY, 0.16)
    paths.failed(PUBLIC, 1.0)
    assert paths.instead_of(PUBLIC) == STANDBY
    paths.failed(STANDBY, 2.0)
    assert paths.instead_of(STANDBY) == RELAY
    paths.failed(RELAY, 3.0)
    assert paths.instead_of(RELAY) == OTHER


def test_a_relay_that_was_never_asked_may_serve_and_an_address_may_not() -> None:
    paths = Paths(CONFIG)
    paths.add(OTHER)
    paths.failed(PUBLIC, 0.0)
    assert paths.instead_of(PUBLIC) is None
    paths.add(RELAY)
    assert paths.instead_of(PUBLIC) == RELAY


def test_a_way_that_fails_again_and_again_is_taken_later_each_time() -> None:
    paths = Paths(CONFIG)
    now = 0.0
    for hold_s in CONFIG.holds_s:
        paths.failed(PUBLIC, now)
        measured(paths, PUBLIC, 0.08, now)
        if hold_s:
            assert not paths.prefers(PUBLIC, RELAY, 0.2, now + hold_s - 0.01)
        assert paths.prefers(PUBLIC, RELAY, 0.2, now + hold_s + 0.1)
        now += 20.0
    paths.failed(PUBLIC, now + CONFIG.calm_s)
    measured(paths, PUBLIC, 0.08, now + CONFIG.calm_s)
    assert paths.prefers(PUBLIC, RELAY, 0.2, now + CONFIG.calm_s + 0.1)


def test_the_first_of_two_knocks_counts_until_it_is_taken_for_lost() -> None:
    paths = Paths(CONFIG)
    paths.asked(RELAY, 0.0)
    paths.asked(RELAY, 0.02)
    paths.answered(RELAY, 0.16)
    assert paths.beside(PUBLIC) == "relay 160 ms"
    paths.asked(RELAY, 60.0)
    paths.asked(RELAY, 62.0)
    assert paths.beside(PUBLIC) == "relay failed"


def test_nothing_direct_is_measured_beside_a_way_that_is_good() -> None:
    paths = Paths(CONFIG)
    for endpoint in (LAN, PUBLIC, RELAY):
        paths.add(endpoint)
    assert paths.idle(LAN, 0.001) == [RELAY]
    assert paths.idle(LAN, 0.02) == [PUBLIC, RELAY]


def test_the_ways_known_of_a_peer_are_bounded_and_those_that_answer_stay() -> None:
    paths = Paths(CONFIG)
    measured(paths, RELAY, 0.1)
    for port in range(1, 100):
        paths.add(PUBLIC._replace(port=port))
    assert RELAY in paths
    assert len(paths) == CONFIG.paths_max
    assert len(paths.direct()) == CONFIG.direct_max
