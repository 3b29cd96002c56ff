"""That nobody gets in is tested again soon when it is found for the first time: tokens get lost."""

from __future__ import annotations

from random import Random

from mesh99.nat.behaviour import Filtering
from mesh99.nat.dialback import DialBack, DialBackConfig

CONFIG = DialBackConfig()


def conclude(dial_back: DialBack) -> float:
    """Let every try fail; return how long the next test is off then."""
    while dial_back.ask(dial_back.next_timeout()):
        asked_at = dial_back.next_timeout()
    return dial_back.next_timeout() - asked_at


def test_the_first_result_that_nobody_gets_in_is_doubted() -> None:
    dial_back = DialBack(CONFIG, Random(1).randbytes)
    assert conclude(dial_back) == CONFIG.doubtful_s
    assert dial_back.filtering is Filtering.DEPENDENT
    assert conclude(dial_back) == CONFIG.again_s


def test_it_waits_for_somebody_to_ask() -> None:
    dial_back = DialBack(CONFIG, Random(1).randbytes)
    assert dial_back.due(0.0)
    dial_back.put_off(0.0)
    assert not dial_back.due(CONFIG.wait_s / 2)
    assert dial_back.due(CONFIG.wait_s)
