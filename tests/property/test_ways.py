"""Whatever becomes of the ways between two nodes, what they say arrives once and in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.ways_world import WaysWorld

KINDS = st.sampled_from(["none", "full", "addr", "port", "sym"])
HARMS = st.sampled_from(
    ["cut there", "cut back", "mend", "reboot caller", "reboot called", "harm relay", "move caller"]
)
COURSES = st.lists(st.tuples(HARMS, st.floats(0.05, 2.5)), min_size=1, max_size=5)


def happen(ways: WaysWorld, harm: str) -> None:
    """Let something happen to a way; one relay always works."""
    caller, called = ways.ends
    if harm == "cut there":
        ways.cut(caller, called)
    elif harm == "cut back":
        ways.cut(called, caller)
    elif harm == "mend":
        ways.cuts.clear()
    elif harm == "harm relay":
        for end in ways.ends:
            ways.cut(ways.relays[0], end)
            ways.cut(end, ways.relays[0])
    elif harm == "move caller":
        ways.move(caller, "port")
    else:
        box = ways.world.box_of(caller if harm == "reboot caller" else called)
        if box is not None:
            box.reboot()


@given(KINDS, KINDS, COURSES)
def test_random_deaths_and_recoveries_lose_repeat_and_reorder_nothing(
    caller: str, called: str, course: list[tuple[str, float]]
) -> None:
    ways = WaysWorld(caller, called)
    ways.meet_somehow()
    for harm, seconds in course:
        happen(ways, harm)
        end = ways.world.now + seconds
        while ways.world.now < end:
            ways.say(ways.caller)
            ways.say(ways.called)
            ways.world.run_for(0.1)
    ways.settle()
