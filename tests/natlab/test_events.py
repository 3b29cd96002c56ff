"""What interrupts a stream does so for less than two seconds, and nothing is lost."""

from __future__ import annotations

import pytest

from .events import measure

pytestmark = [pytest.mark.network_namespaces, pytest.mark.slow, pytest.mark.timeout(180)]
INTERRUPTED_MS_MAX = 2000


# A selection: `python -m tests.natlab stream` has the others, unit/node/test_overlay_ways.py all on a virtual clock.
@pytest.mark.parametrize(
    ("event", "sites"),
    [
        ("reboot-called", "port/port"),
        ("cut", "port/port"),
        ("relay-dies", "sym/sym"),
        ("relay-drops", "sym/sym"),
        ("relay-truncates-the-large", "sym/sym"),
    ],
)
def test_a_stream_goes_on(event: str, sites: str) -> None:
    course = measure(event, sites.split("/"))
    assert course.is_whole
    assert course.gap_ms <= INTERRUPTED_MS_MAX, course
