"""A node behind a box that counts looks again which port comes next, when it was not seen for a while."""

from __future__ import annotations

import pytest

from mesh99.wire.endpoint import Endpoint
from tests.support.pairs import Pair


def asked(pair: Pair) -> list[Endpoint]:
    """Return whom the caller has asked by STUN, retransmissions left out."""
    own = pair.caller.reach.observations.endpoints()[0].host
    requests = [each for each in pair.world.carried if each[0].host == own and each[2][:2] == b"\x00\x01"]
    return list({packet[8:20]: destination for _, destination, packet in requests}.values())


def call_again(pair: Pair) -> None:
    """Let the line go and call anew."""
    pair.caller.close("again", pair.world.now)
    pair.world.run_for(0.5)
    for other in (pair.relay, *pair.others[:-1]):
        pair.caller.connect(pair.world.contact_of(other), pair.world.now, lambda line, error: None)
    pair.world.run_for(25.0)
    pair.meet()


@pytest.mark.parametrize(("quiet_s", "requests"), [(0.0, 0), (30.0, 3)])
def test_strangers_are_asked_when_nobody_said_anything_lately(quiet_s: float, requests: int) -> None:
    pair = Pair("symseq", "symseq")
    pair.make_strangers()
    pair.world.run_for(quiet_s)
    pair.meet()
    assert len(asked(pair)) == requests
    assert pair.caller.reach.observations.next_port() > 0


@pytest.mark.parametrize("box", ["port", "sym"])
def test_other_boxes_have_nothing_to_ask(box: str) -> None:
    pair = Pair(box, "port")
    pair.make_strangers()
    pair.world.run_for(30.0)
    pair.meet()
    assert asked(pair) == []


def test_nobody_is_asked_twice_while_a_box_may_remember_him() -> None:
    pair = Pair("symseq", "symseq")
    pair.make_strangers()
    pair.world.run_for(30.0)
    pair.meet()
    first = asked(pair)
    call_again(pair)
    assert asked(pair) == first


def test_without_strangers_what_was_seen_last_has_to_do() -> None:
    pair = Pair("symseq", "symseq")
    pair.world.run_for(30.0)
    pair.meet()
    pair.world.run(pair.is_direct, timeout_s=1.0)


def test_strangers_that_do_not_answer_are_given_up() -> None:
    pair = Pair("symseq", "port")
    pair.make_strangers()
    pair.world.run_for(30.0)
    pair.world.rule = lambda packet, source, destination: None if packet[:2] == b"\x01\x01" else packet
    pair.meet()
    pair.world.run(pair.is_direct, timeout_s=6.0)
