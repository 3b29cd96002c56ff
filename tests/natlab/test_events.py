"""What interrupts a stream does so for less than two seconds, and nothing is lost."""

from __future__ import annotations

import pytest

from .events import measure

pytestmark = [pytest.mark.network_namespaces, pytest.mark.slow, pytest.mark.timeout(180)]
INTERRUPTED_MS_MAX = 2000


@pytest.mark.parametrize(
    ("event", "sites"),
    [
        ("reboot-caller", "port/port"),
        ("reboot-called", "port/port"),
        ("renumber-caller", "port/port"),
        ("cut", "port/port"),
        ("cut-there", "port/port"),
        ("relay-dies", "sym/sym"),
        ("relay-drops", "sym/sym"),
        ("relay-delays", "sym/sym"),
        ("relay-truncates-the-large", "sym/sym"),
    ],
)
def test_a_stream_goes_on(event: str, sites: str) -> None:
    course = measure(event, sites.split("/"))
    assert course.is_whole
    assert course.gap_ms <= INTERRUPTED_MS_MAX, course
