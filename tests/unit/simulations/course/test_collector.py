"""The garbage collector is left as it was found."""

from __future__ import annotations

import gc
import weakref

import pytest

from mesh99.simulations.course.collector import THRESHOLDS, Collector


class Circle:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.own = self


def _set_aside_and_fail() -> None:
    with Collector() as collector:
        assert gc.get_threshold() == THRESHOLDS
        collector.set_aside()
        assert gc.get_freeze_count() > 0
        raise RuntimeError


def test_thresholds_come_back_also_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError):
        _set_aside_and_fail()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_was_set_aside_is_looked_at_again_when_enough_have_gone() -> None:
    with Collector() as collector:
        circle = Circle()
        gone = weakref.ref(circle)
        collector.set_aside()
        del circle
        gc.collect()
        collector.look(departures=10, population=100)
        assert gone() is not None
        collector.look(departures=30, population=100)
        assert gone() is None
