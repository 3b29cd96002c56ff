"""Where a peer is knocked at: only where it has any business to be."""

from __future__ import annotations

import pytest

from mesh99.nat.behaviour import NatKind
from mesh99.nat.candidates import AHEAD, Here, is_proved, places_of
from mesh99.nat.messages import CANDIDATES_MAX, Candidates
from mesh99.wire.endpoint import Endpoint

INTRODUCED = Endpoint("udp", "20.0.0.1", 4000)
ELSEWHERE = Endpoint("udp", "20.0.0.2", 4000)
LAN = Endpoint("udp", "192.168.0.7", 7400)
FAR = Here(NatKind.EASY, (Endpoint("udp", "192.168.0.8", 7400),), Endpoint("udp", "20.0.0.9", 5000))
NEAR = FAR._replace(seen=INTRODUCED._replace(port=5000))
COUNTING = FAR._replace(kind=NatKind.HARD, next_port=900, step=1)
COUNTED = Candidates((INTRODUCED,), NatKind.HARD, 4100, 2)


def hosts(peer: Candidates, here: Here) -> set[str]:
    lasting, passing = places_of(peer, INTRODUCED, here)
    return {endpoint.host for endpoint in lasting + passing}


@pytest.mark.parametrize("here", [FAR, NEAR, COUNTING])
@pytest.mark.parametrize("kind", list(NatKind))
@pytest.mark.parametrize("step", [0, 1, 8])
def test_a_third_party_is_never_knocked_at(here: Here, kind: NatKind, step: int) -> None:
    victims = (ELSEWHERE, Endpoint("udp", "8.8.8.8", 53), Endpoint("udp", "2001:4860:4860::8888", 53))
    peer = Candidates((*victims, LAN), kind, 53, step)
    assert hosts(peer, here) <= {INTRODUCED.host, LAN.host}


def test_addresses_of_a_network_are_used_by_who_seems_to_be_in_it() -> None:
    peer = Candidates((INTRODUCED, LAN), NatKind.EASY)
    assert places_of(peer, INTRODUCED, NEAR).lasting == [LAN, INTRODUCED]
    assert places_of(peer, INTRODUCED, FAR).lasting == [INTRODUCED]


def test_addresses_of_this_network_are_told_to_who_seems_to_be_in_it() -> None:
    assert NEAR.candidates(INTRODUCED).endpoints == (NEAR.seen, *NEAR.own)
    assert FAR.candidates(INTRODUCED).endpoints == (FAR.seen,)
    crowded = NEAR._replace(own=tuple(LAN._replace(port=port) for port in range(1, 20)))
    assert len(crowded.candidates(INTRODUCED).endpoints) == CANDIDATES_MAX


def test_places_where_nobody_can_be_are_left_out() -> None:
    peer = Candidates((INTRODUCED._replace(port=0), INTRODUCED._replace(transport="tcp")), NatKind.EASY)
    assert places_of(peer, INTRODUCED, FAR).lasting == [INTRODUCED]


def test_a_box_that_counts_is_met_ahead() -> None:
    lasting, passing = places_of(COUNTED, INTRODUCED, FAR)
    assert lasting == [INTRODUCED]
    assert [place.port for place in passing] == [4100 + 2 * index for index in range(AHEAD)]
    assert {place.host for place in passing} == {INTRODUCED.host}


def test_two_boxes_that_count_spend_one_port_each() -> None:
    assert places_of(COUNTED, INTRODUCED, COUNTING) == ([], [INTRODUCED._replace(port=4100)])


def test_a_box_of_random_ports_does_not_knock_ahead() -> None:
    assert places_of(COUNTED, INTRODUCED, FAR._replace(kind=NatKind.HARD)).passing == []


def test_ports_end() -> None:
    peer = COUNTED._replace(next_port=65_534, step=1)
    assert [place.port for place in places_of(peer, INTRODUCED, FAR).passing] == [65_534, 65_535]


def test_a_search_needs_the_word_of_both() -> None:
    assert is_proved(COUNTED, INTRODUCED)
    assert not is_proved(COUNTED, ELSEWHERE)
    assert not is_proved(Candidates((), NatKind.HARD), INTRODUCED)
    assert not is_proved(Candidates((LAN,), NatKind.HARD), LAN)
