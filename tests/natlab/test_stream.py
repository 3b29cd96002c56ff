"""A stream goes on when its way ends, and what it measures is what happened."""

from __future__ import annotations

import pytest

from .stream import Course, course, measure

DELAY_S = 0.005
SILENCE_S_MAX = 3.0
"""Two are wanted on a quiet machine; tests run beside others."""


@pytest.mark.network_namespaces
@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("sites", "event"), [("port/port", "reboot"), ("port/port", "cut"), ("sym/sym", "relay-drop")]
)
def test_nothing_is_lost_when_a_way_ends(sites: str, event: str) -> None:
    seen = measure(sites.split("/"), event, delay_s=DELAY_S, after_s=5.0)
    assert seen.whole, seen
    assert seen.longest_gap_ms <= SILENCE_S_MAX * 1e3, seen
    assert seen.paths[1] == ("direct" if event == "reboot" else "relay"), seen


def judged(arrivals: list[tuple[int, float]], sent: int) -> Course:
    return course(("port", "port"), "reboot", ("direct", "direct"), sent, arrivals, happened_s=10.0)


def test_the_longest_silence_is_found_and_when_it_began() -> None:
    seen = judged([(0, 9.0), (1, 9.5), (2, 10.5), (3, 12.25), (4, 12.5)], sent=5)
    assert seen.whole
    assert (seen.longest_gap_ms, seen.began_after_ms) == (1750.0, 500.0)
    assert str(seen) == "port / port reboot: longest gap 1750 ms, 5 sent, all came, in order; direct"


def test_what_is_lost_or_comes_twice_or_late_is_counted() -> None:
    seen = judged([(0, 9.0), (2, 9.1), (1, 9.2), (1, 9.3)], sent=5)
    assert (seen.lost, seen.twice, seen.reordered, seen.whole) == (2, 1, 1, False)
    assert "2 lost, 1 twice, 1 out of order" in str(seen)


def test_a_stream_that_never_came_is_silence_all_along() -> None:
    seen = judged([], sent=5)
    assert seen.lost == 5
    assert seen.longest_gap_ms == 10_000
