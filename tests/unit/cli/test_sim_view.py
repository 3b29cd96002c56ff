"""What is seen of a run while it goes on."""

from __future__ import annotations

import io
from collections import deque

import pytest
from rich.console import Console

from mesh99.cli.output import Environment
from mesh99.cli.sim_view import RunState, drawn, facts, memory_bytes, plain_lines, run_view, sparkline
from mesh99.simulations.outcome import Progress


class Clock:
    """Real time in a test's hands."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def progress(virtual_s: float, operations: int = 0, succeeded: int = 0) -> Progress:
    return Progress(
        virtual_s=virtual_s, total_s=1000.0, population=250, operations=operations, succeeded=succeeded
    )


def test_speed_and_what_is_left_follow_the_run() -> None:
    clock = Clock()
    state = RunState(clock)
    assert state.left_s is None
    clock.now_s += 1
    state.update(progress(20))
    assert (state.speed, state.left_s) == (20, 49)
    for step in range(1, 60):
        clock.now_s += 1
        state.update(progress(20 + 10 * step))
    assert state.speed == pytest.approx(10, rel=0.01)
    assert state.left_s == pytest.approx(39, rel=0.01)


def test_success_is_that_of_the_last_part() -> None:
    state = RunState(Clock())
    for step, succeeded in enumerate([0, 10, 20, 20, 25]):
        state.update(progress(10.0 * (step + 1), operations=10 * step, succeeded=succeeded))
    assert list(state.success) == [1.0, 1.0, 0.0, 0.5]


def test_small_curves() -> None:
    assert sparkline(deque([0.0, 0.5, 1.0])) == "▁▅█"
    assert sparkline(deque([3.0, 3.0])) == "▁▁"
    assert sparkline(deque([0.9, 1.0]), low=0.0, high=1.0) == "▇█"
    assert sparkline(deque([1.0])) == ""


def rendered(state: RunState) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(drawn(state, "churn, 250 nodes, seed 7"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_view_shows_all_there_is_to_know() -> None:
    clock = Clock()
    state = RunState(clock)
    assert "churn, 250 nodes, seed 7" in rendered(state)
    for step in range(1, 6):
        clock.now_s += 2
        state.update(progress(100.0 * step, operations=10 * step, succeeded=9 * step))
    shown = rendered(state)
    assert "50%" in shown
    assert "10 s left" in shown
    assert "8 min 20 s of 16 min 40 s, 50 x real time" in shown
    assert "50, 90.00% right" in shown
    assert "MB" in shown


def environment(**flags: bool) -> Environment:
    return Environment(stdout=io.StringIO(), stderr=io.StringIO(), **flags)


def test_lines_in_a_pipe_come_seldom() -> None:
    clock = Clock()
    surroundings = environment(verbose=True)
    tell = plain_lines(surroundings, "churn", clock)
    for step in range(1, 23):
        clock.now_s += 1
        tell(progress(10.0 * step, operations=step, succeeded=step))
    assert isinstance(surroundings.stderr, io.StringIO)
    first, second = surroundings.stderr.getvalue().splitlines()
    assert first.startswith(
        "churn: virtual 1 min 40 s of 16 min 40 s, 10 x real time; real 10 s; nodes 250; lookups 10,"
    )
    assert "lookups 20, 100.00% right" in second


@pytest.mark.parametrize("flags", [{}, {"as_json": True}, {"as_json": True, "verbose": True}])
def test_nothing_is_shown_where_nobody_looks(flags: dict[str, bool]) -> None:
    with run_view(environment(**flags), "churn") as tell:
        assert tell is None


def test_memory_is_that_of_this_process() -> None:
    assert 5e6 < memory_bytes() < 1e11
    assert facts(RunState(Clock()))[-1][0] == "memory"
