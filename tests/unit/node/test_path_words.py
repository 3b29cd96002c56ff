"""Which words people read about a path; on lines of real overlays, too."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.nat.behaviour import NatKind
from mesh99.node.path_words import PathFacts, path_facts, relay_of
from tests.support.pairs import Pair

HARD, EASY = NatKind.HARD, NatKind.EASY


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"kind": "direct"}, "it answered a call"),
        ({"kind": "direct", "called": False}, "it called this node"),
        ({"kind": "direct", "punched_s": 0.2404}, "punched after 240 ms"),
        ({"kind": "lan", "punched_s": 2.4}, "punched after 2 s"),
        ({"kind": "tcp"}, "much was sent at once"),
        ({"kind": "tcp", "met_by_udp": False}, "UDP did not lead there"),
        ({"kind": "tcp", "own": NatKind.BLOCKED}, "no UDP passes here"),
        ({"kind": "relay", "peer": NatKind.BLOCKED, "knocks": True}, "no UDP passes at the peer"),
        ({"kind": "direct", "beside": "relay 160 ms"}, "it answered a call; beside it relay 160 ms"),
        (
            {"kind": "relay", "lost_direct": True, "again_s": 5.0},
            "the direct way fell silent, tries again in 5 s",
        ),
        ({"kind": "relay"}, "the relay does not see the peer over UDP"),
        ({"kind": "relay", "knocks": True}, "waits for the peer's word on where it is"),
        ({"kind": "relay", "knocks": True, "places": 1}, "no answer at 1 endpoint yet"),
        (
            {"kind": "relay", "knocks": True, "places": 3, "again_s": 20.0},
            "no answer at 3 endpoints yet, tries again in 20 s",
        ),
        (
            {"kind": "relay", "knocks": True, "own": HARD, "peer": HARD},
            "both boxes give each peer another port",
        ),
        (
            {"kind": "relay", "knocks": True, "own": EASY, "peer": HARD},
            "one box gives each peer another port, which is looked for while messages go",
        ),
        (
            {"kind": "relay", "knocks": True, "own": EASY, "peer": HARD, "searches": True},
            "looks for a port of a box that gives each peer another one",
        ),
    ],
)
def test_words(facts: dict[str, Any], why: str) -> None:
    assert PathFacts(**facts).why == why


def told(pair: Pair) -> tuple[PathFacts, Any]:
    line = pair.caller.lines.find(pair.called.identity.node_id)
    assert line is not None
    return path_facts(pair.caller, line, pair.world.now), relay_of(pair.caller, line)


def test_two_symmetric_boxes_stay_on_their_relay_and_it_is_named() -> None:
    pair = Pair("sym", "sym")
    pair.meet()
    pair.world.run_for(1.0)
    facts, relay = told(pair)
    assert (facts.kind, facts.why) == ("relay", "both boxes give each peer another port")
    assert relay == pair.relay.identity.node_id


def test_boxes_between_which_nothing_passes_say_when_they_try_again() -> None:
    pair = Pair("port", "port")
    pair.world.rule = lambda packet, source, destination: (
        None if source.host.startswith("20.1.") and destination.host.startswith("20.1.") else packet
    )
    pair.meet()
    pair.world.run_for(7.0)
    facts, _ = told(pair)
    assert facts.why.startswith("no answer at 1 endpoint yet, tries again in ")


def test_a_line_that_left_its_relay_says_how_soon() -> None:
    pair = Pair("addr", "sym")
    pair.meet()
    pair.world.run(pair.is_direct, timeout_s=5.0)
    facts, relay = told(pair)
    assert facts.kind == "direct"
    assert relay is None
    assert facts.why.startswith(("punched after ", "it answered a call"))
