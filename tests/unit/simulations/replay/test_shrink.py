"""Which failures count as the same while a run is made smaller."""

from __future__ import annotations

import pytest

from mesh99.simulations.outcome import Failure
from mesh99.simulations.replay.shrink import is_same
from mesh99.simulations.scenario.expectations import UNMEASURED


def _failure(check: str, message: str) -> Failure:
    return Failure(check=check, at_s=1.0, event=0, node=None, message=message)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("caps", "21 lines where at most 20 may be"), ("caps", "9 calls where at most 8 may be"), True),
        (("caps", "21 lines"), ("amplification", "21 bytes"), False),
        (("error", "ValueError: one"), ("error", "ValueError: two"), True),
        (("error", "ValueError: one"), ("error", "KeyError: two"), False),
        (("hops_mean", "4.2; expected <= 4"), ("hops_mean", "9; expected <= 4"), True),
        (("hops_mean", "4.2; expected <= 4"), ("hops_mean", f"{UNMEASURED}; expected <= 4"), False),
        (("hops_mean", f"{UNMEASURED}; expected <= 4"), ("hops_mean", f"{UNMEASURED}; expected <= 4"), True),
    ],
)
def test_failures_are_the_same_when_they_are_of_one_kind(
    first: tuple[str, str], second: tuple[str, str], same: bool
) -> None:
    assert is_same(_failure(*first), _failure(*second)) == same
    assert is_same(_failure(*second), _failure(*first)) == same
