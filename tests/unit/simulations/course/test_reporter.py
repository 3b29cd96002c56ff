"""How often a run tells how far it is."""

from __future__ import annotations

from mesh99.simulations.course.reporter import EVERY_S, REPORTS, Reporter
from mesh99.simulations.outcome import Progress, RunOptions

PROGRESS = Progress(virtual_s=1.0, total_s=2.0, population=3, operations=4, succeeded=4)


def test_a_quick_run_is_told_of_200_times_and_nobody_is_asked_without_need() -> None:
    told: list[Progress] = []
    asked: list[Progress] = []

    def progress() -> Progress:
        asked.append(PROGRESS)
        return PROGRESS

    for slices in (REPORTS, 7 * REPORTS):
        reporter = Reporter(RunOptions(on_progress=told.append), slices, progress)
        for _ in range(slices):
            reporter._reported_at += 1e6  # no time passes
            reporter.slice_done()
    assert len(told) == len(asked) == 2 * REPORTS
    Reporter(RunOptions(), REPORTS, progress).slice_done()
    assert len(asked) == 2 * REPORTS


def test_a_slow_run_is_told_of_in_every_slice() -> None:
    told: list[Progress] = []
    reporter = Reporter(RunOptions(on_progress=told.append), 100 * REPORTS, lambda: PROGRESS)
    for _ in range(5):
        reporter._reported_at -= EVERY_S
        reporter.slice_done()
    assert told == [PROGRESS] * 5
