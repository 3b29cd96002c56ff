"""What becomes of a line when its way to the peer ends: it takes another within two seconds, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.node.path_words import path_facts
from tests.support.ways_world import WaysWorld

INTERRUPTED_S_MAX = 2.0


def talks_through(ways: WaysWorld, sender: Overlay, seconds: float = 5.0) -> float:
    """Let one end talk, check that all of it arrives once and in order, and return the longest interruption."""
    began = ways.world.now
    ways.talk(sender, seconds)
    ways.settle()
    return ways.longest_gap_s(ways.other(sender), began)


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("cut", ["both", "there", "back"])
def test_a_direct_way_that_dies_is_left_for_a_relay(sender: int, cut: str) -> None:
    ways = WaysWorld()
    ways.meet()
    here = ways.ends[sender]
    ways.talk(here, 2.0)
    if cut in ("both", "there"):
        ways.cut(here, ways.other(here))
    if cut in ("both", "back"):
        ways.cut(ways.other(here), here)
    gap = talks_through(ways, here)
    assert gap <= INTERRUPTED_S_MAX
    assert ways.both("relay")


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize(
    ("kinds", "whose"),
    [
        (("port", "port"), 0),
        (("port", "port"), 1),
        (("port", "none"), 0),
        (("none", "port"), 1),
        (("addr", "full"), 0),
        (("sym", "addr"), 0),
        (("sym", "addr"), 1),
    ],
)
def test_a_box_that_forgets_everything_interrupts_a_stream_for_less_than_two_seconds(
    kinds: tuple[str, str], sender: int, whose: int
) -> None:
    ways = WaysWorld(*kinds)
    ways.meet()
    box = ways.world.box_of(ways.ends[whose])
    assert box is not None
    ways.talk(ways.ends[sender], 2.0)
    box.reboot()
    gap = talks_through(ways, ways.ends[sender])
    assert gap <= INTERRUPTED_S_MAX
    assert ways.both("direct")


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("moves", [0, 1])
@pytest.mark.parametrize("kind", ["port", "none", "sym"])
def test_a_node_that_changes_its_network_goes_on(sender: int, moves: int, kind: str) -> None:
    ways = WaysWorld()
    ways.meet()
    ways.talk(ways.ends[sender], 2.0)
    ways.move(ways.ends[moves], kind)
    gap = talks_through(ways, ways.ends[sender])
    assert gap <= INTERRUPTED_S_MAX
    assert ways.both("relay" if kind == "sym" else "direct")


def drops(packet: bytes) -> bytes | None:
    return None


def truncates(packet: bytes) -> bytes | None:
    return packet[: len(packet) // 2]


def truncates_the_large(packet: bytes) -> bytes | None:
    return packet[:300]


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("harm", [drops, truncates, truncates_the_large])
def test_a_relay_that_does_harm_is_left_for_another(
    sender: int, harm: Callable[[bytes], bytes | None]
) -> None:
    ways = WaysWorld("sym", "sym")
    ways.meet("relay")
    ways.talk(ways.ends[sender], 2.0)
    relay = ways.relay_in_use()
    address = ways.outer(relay)
    ways.world.rule = lambda packet, source, destination: harm(packet) if source.host == address else packet
    gap = talks_through(ways, ways.ends[sender])
    assert gap <= INTERRUPTED_S_MAX
    assert ways.both("relay")
    assert ways.relay_in_use() is not relay


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("delay_s", [0.5, 1.0, 3.0])
def test_a_relay_that_delays_is_left_for_another(sender: int, delay_s: float) -> None:
    ways = WaysWorld("sym", "sym")
    ways.meet("relay")
    ways.talk(ways.ends[sender], 2.0)
    relay = ways.relay_in_use()
    ways.world.late[ways.outer(relay)] = delay_s
    gap = talks_through(ways, ways.ends[sender])
    assert gap <= INTERRUPTED_S_MAX
    assert ways.relay_in_use() is not relay


@pytest.mark.parametrize("sender", [0, 1])
def test_a_line_whose_only_relay_carries_nothing_for_long_goes_on_when_it_does(sender: int) -> None:
    ways = WaysWorld("sym", "sym", relays=1)
    ways.meet("relay")
    here, [relay] = ways.ends[sender], ways.relays
    ways.talk(here, 2.0)
    forward, relay.relaying.server.forward = relay.relaying.server.forward, lambda *_: None  # type: ignore[method-assign]
    ways.talk(here, 3.5)
    relay.relaying.server.forward = forward  # type: ignore[method-assign]
    mended_at = ways.world.now
    ways.talk(here, 3.0)
    ways.settle()
    assert ways.longest_gap_s(ways.other(here), mended_at) <= INTERRUPTED_S_MAX


@pytest.mark.parametrize("sender", [0, 1])
def test_a_relay_that_dies_is_left_for_another(sender: int) -> None:
    ways = WaysWorld("sym", "sym")
    ways.meet("relay")
    ways.talk(ways.ends[sender], 2.0)
    ways.world.kill(ways.relay_in_use())
    gap = talks_through(ways, ways.ends[sender])
    assert gap <= INTERRUPTED_S_MAX


@pytest.mark.parametrize("sender", [0, 1])
def test_a_circuit_that_ended_for_idleness_is_opened_anew(sender: int) -> None:
    ways = WaysWorld()
    ways.meet()
    ways.talk(ways.ends[sender], 2.0)
    ways.world.run_for(240.0)
    assert not any(relay.relaying.server.circuits for relay in ways.relays)
    ways.cut_direct()
    assert talks_through(ways, ways.ends[sender]) <= INTERRUPTED_S_MAX
    assert ways.both("relay")


def test_a_line_is_direct_again_soon_after_its_way_is_mended() -> None:
    ways = WaysWorld()
    ways.meet()
    ways.cut_direct()
    ways.talk(ways.caller, 20.0, pause_s=0.1)
    assert ways.both("relay")
    ways.cuts.clear()
    ways.talk(ways.caller, 25.0, pause_s=0.1)
    ways.settle()
    assert ways.both("direct")


def test_one_way_death_makes_no_end_go_back_and_forth() -> None:
    ways = WaysWorld()
    ways.meet()
    moves: list[str] = []
    ways.cut(ways.caller, ways.called)
    for _ in range(600):
        ways.say(ways.caller)
        ways.say(ways.called)
        ways.world.run_for(0.1)
        moves += [" ".join(ways.paths())]
    ways.settle()
    changes = [later for earlier, later in pairwise(moves) if earlier != later]
    assert len(changes) <= 2, changes
    assert ways.both("relay")


def why(ways: WaysWorld, line: Line) -> str:
    return path_facts(ways.caller, line, ways.world.now).why


def test_people_see_why_a_path_is_used() -> None:
    ways = WaysWorld()
    line = ways.meet()
    ways.talk(ways.caller, 2.0)
    assert why(ways, line) == "it answered a call; beside it relay 160 ms, relay 160 ms"
    ways.cut_direct()
    ways.talk(ways.caller, 4.0)
    assert why(ways, line) == "the direct way fell silent; beside it direct failed, relay 160 ms"
