"""When a loop stays awake for an answer, and when it stops trying."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from typing import cast

import pytest

from mesh99.node.busy_poll import PAUSE_MAX, PAUSE_MIN, BusyPoll

LIMIT_S = 0.0003
SOON_S, LATE_S = LIMIT_S / 3, LIMIT_S * 2


class Bench:
    """A BusyPoll on a loop that turns when told to, and a clock that stands still between."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.time = 100.0
        self.turns: deque[Callable[[], None]] = deque()
        self.poll = BusyPoll(cast("AbstractEventLoop", self), lambda: self.time, limit_s)

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.turns.append(callback)

    def turn(self) -> None:
        """Make the calls of one turn of the loop."""
        for _ in range(len(self.turns)):
            self.turns.popleft()()

    @property
    def is_awake(self) -> bool:
        return bool(self.turns)

    def exchange(self, answer_s: float) -> bool:
        """Send, be answered after a time; true when the loop stayed awake after sending."""
        self.poll.sent()
        was_awake = self.is_awake
        self.time += answer_s
        self.poll.heard()
        self.turn()
        return was_awake

    def send_until_awake(self) -> int:
        """Send packets that are answered quickly until one keeps the loop awake; count those that did not."""
        asleep = 0
        while True:
            self.poll.sent()
            if self.is_awake:
                return asleep
            asleep += 1
            assert asleep <= 2 * PAUSE_MAX
            self.time += SOON_S
            self.poll.heard()

    def wait_in_vain(self) -> None:
        """Let the loop wait until it gives up; a quick answer to a later packet makes it worth trying again."""
        assert self.is_awake
        self.time += LATE_S
        self.turn()
        assert not self.is_awake


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.exchange(SOON_S)
    return bench


def test_it_sleeps_until_an_answer_came_within_the_limit() -> None:
    bench = Bench()
    assert not bench.exchange(LATE_S)
    assert not bench.exchange(SOON_S)
    assert bench.exchange(SOON_S)


def test_it_sleeps_again_after_a_late_answer(bench: Bench) -> None:
    bench.poll.sent()
    bench.time += LATE_S
    bench.poll.heard()
    bench.turn()
    assert not bench.exchange(SOON_S)


def test_it_turns_until_it_hears(bench: Bench) -> None:
    bench.poll.sent()
    for _ in range(5):
        bench.turn()
        assert bench.is_awake
    bench.poll.heard()
    bench.turn()
    assert not bench.is_awake


def test_it_turns_no_longer_than_the_limit(bench: Bench) -> None:
    bench.poll.sent()
    bench.time += SOON_S
    bench.turn()
    assert bench.is_awake
    bench.time += LATE_S
    bench.turn()
    assert not bench.is_awake


def test_each_packet_prolongs_one_wait_and_begins_no_second(bench: Bench) -> None:
    bench.poll.sent()
    bench.time += 2 * SOON_S
    bench.poll.sent()
    assert len(bench.turns) == 1
    bench.time += 2 * SOON_S
    bench.turn()
    assert bench.is_awake, "the limit counts from the last packet"


def test_after_a_wait_in_vain_it_sleeps_until_answers_are_quick_again(bench: Bench) -> None:
    bench.poll.sent()
    bench.wait_in_vain()
    for _ in range(2 * PAUSE_MIN):
        assert not bench.exchange(LATE_S)


def test_each_wait_in_vain_doubles_the_pause_up_to_its_limit(bench: Bench) -> None:
    assert bench.send_until_awake() == 0
    for pause in (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096):
        bench.wait_in_vain()
        bench.exchange(SOON_S)
        assert bench.send_until_awake() == pause


def test_a_wait_that_was_worth_it_makes_the_pause_short_again(bench: Bench) -> None:
    bench.poll.sent()
    for _ in range(3):
        bench.wait_in_vain()
        bench.exchange(SOON_S)
        bench.send_until_awake()
    bench.time += SOON_S
    bench.poll.heard()
    bench.turn()
    bench.poll.sent()
    bench.wait_in_vain()
    bench.exchange(SOON_S)
    assert bench.send_until_awake() == PAUSE_MIN


def test_it_never_stays_awake_with_a_limit_of_0() -> None:
    bench = Bench(limit_s=0)
    assert not any(bench.exchange(answer_s) for answer_s in (0.0, 0.0, SOON_S, 0.0))
