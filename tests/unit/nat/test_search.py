"""Many sockets, many guesses: how many, how fast, and how likely they meet."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.nat.search import PORT_END, PORT_MIN, Guesses, Openings, Pace, SearchConfig
from mesh99.wire.endpoint import Endpoint

PEER = Endpoint("udp", "20.0.0.1", 4000)
CONFIG = SearchConfig()


def run(places: Guesses | Openings) -> list[list[Endpoint]]:
    """Take out what goes in each tick of a search."""
    ticks = int(CONFIG.duration_s / CONFIG.tick_s)
    return [places.take(tick * CONFIG.tick_s) for tick in range(ticks)]


def test_guesses_are_ports_of_the_peer_each_once() -> None:
    ticks = run(Guesses(CONFIG, PEER, Random(1), 0.0))
    guessed = [place for tick in ticks for place in tick]
    assert len(guessed) == len(set(guessed)) == CONFIG.guesses_max
    assert {place._replace(port=0) for place in guessed} == {PEER._replace(port=0)}
    assert all(PORT_MIN <= place.port < PORT_END for place in guessed)


def test_guesses_have_a_rate() -> None:
    ticks = run(Guesses(CONFIG, PEER, Random(1), 0.0))
    per_tick = CONFIG.guesses_per_s * CONFIG.tick_s
    assert max(len(tick) for tick in ticks) <= per_tick + 1


def test_openings_knock_at_one_endpoint_through_sockets_each_once() -> None:
    openings = Openings(CONFIG, PEER, 300, 0.0)
    first = openings.take(0.0)
    assert [place.socket for place in first] == list(openings.sockets) == list(range(300, 300 + len(first)))
    run(openings)
    assert openings.sockets == range(300, 300 + CONFIG.sockets)
    assert {place.through(0) for place in first} == {PEER}


def test_a_late_tick_makes_up_for_what_was_missed() -> None:
    pace = Pace(80.0, 0.125, 5.0)
    assert [pace.take(now) for now in (5.0, 5.125, 5.5)] == [10, 10, 30]


@pytest.mark.parametrize(("guesses", "probability"), [(174, 0.5), (1000, 0.981)])
def test_they_meet_as_often_as_the_birthday_bound_says(guesses: int, probability: float) -> None:
    """P(n) = 1 - (1 - s / N)^n, here against searches with open ports drawn at random."""
    count = PORT_END - PORT_MIN
    assert 1 - (1 - CONFIG.sockets / count) ** guesses == pytest.approx(probability, abs=0.001)
    random, met = Random(7), 0
    for _ in range(400):
        opened = set(random.sample(range(PORT_MIN, PORT_END), CONFIG.sockets))
        guessed = Guesses(SearchConfig(guesses_per_s=guesses / CONFIG.tick_s), PEER, random, 0.0).take(0.0)
        met += any(place.port in opened for place in guessed[:guesses])
    assert met / 400 == pytest.approx(probability, abs=0.08)
