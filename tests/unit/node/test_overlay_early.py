"""Messages in first packets: there one delay after the call, once, and only where the agent takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh99.node.overlay.early_messages import EARLY_MESSAGE_BYTES_MAX, EarlyMessages
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.packet import INITIAL
from tests.support.overlay_world import World
from tests.support.pairs import CONFIG, Pair


class Agent:
    """Takes messages from first packets, or none."""

    def __init__(self, world: World, overlay: Overlay, *, takes: bool = True) -> None:
        self._world = world
        self._takes = takes
        self.came: list[tuple[float, bytes]] = []
        overlay.early_messages.on_message = self._take

    def _take(self, sender: Contact, message: bytes) -> bool:
        if self._takes:
            self.came.append((self._world.now, message))
        return self._takes


def call(world: World, caller: Overlay, called: Overlay, message: bytes, *relays: Contact) -> list[Line]:
    """Call with a message, and return the line once it stands."""
    lines: list[Line] = []

    def done(line: Line | None, error: object) -> None:
        assert line is not None, error
        lines.append(line)

    caller.connect(world.contact_of(called), world.now, done, message=message, relays=relays)
    world.run(lambda: lines)
    return lines


def two(*, takes: bool = True) -> tuple[World, Overlay, Overlay, Agent]:
    world = World()
    caller, called = world.add(1), world.add(2)
    return world, caller, called, Agent(world, called, takes=takes)


def test_a_message_is_there_with_the_call() -> None:
    world, caller, called, agent = two()
    began = world.now
    (line,) = call(world, caller, called, b"moved")
    assert agent.came == [(pytest.approx(began + world.delay_s), b"moved")]
    assert line.taken_early == b"moved"


@pytest.mark.parametrize("kind", ["sym", "port"])
def test_a_relay_brings_it_as_soon_and_the_direct_way_not_once_more(kind: str) -> None:
    pair = Pair(kind, kind)
    agent = Agent(pair.world, pair.called)
    began = pair.world.now
    (line,) = call(pair.world, pair.caller, pair.called, b"moved", pair.world.contact_of(pair.relay))
    pair.world.run_for(3.0)
    assert agent.came == [(pytest.approx(began + 2 * pair.world.delay_s), b"moved")]
    assert line.taken_early == b"moved"


def test_the_line_tells_when_the_agent_did_not_take_it() -> None:
    world, caller, called, agent = two(takes=False)
    (line,) = call(world, caller, called, b"moved")
    assert (line.taken_early, agent.came) == (b"", [])


def test_what_has_no_room_waits_for_the_line() -> None:
    for size, rides in ((EARLY_MESSAGE_BYTES_MAX, True), (EARLY_MESSAGE_BYTES_MAX + 1, False)):
        world, caller, called, agent = two()
        (line,) = call(world, caller, called, bytes(size))
        assert [len(message) for _, message in agent.came] == [size] * rides
        assert len(line.taken_early) == size * rides


def test_it_fits_beside_all_that_a_first_packet_may_hold() -> None:
    config = replace(CONFIG, dht=replace(CONFIG.dht, ephemeral=True))
    pair = Pair("symseq", "symseq", config=config)
    agent = Agent(pair.world, pair.called)
    message, relay = bytes(EARLY_MESSAGE_BYTES_MAX), pair.world.contact_of(pair.relay)
    (line,) = call(pair.world, pair.caller, pair.called, message, relay)
    assert len(agent.came) == 1
    assert line.taken_early


def test_a_call_under_way_has_left_without_it() -> None:
    world, caller, called, agent = two()
    done: list[Line | None] = []
    for message in (b"", b"moved"):
        caller.connect(
            world.contact_of(called), world.now, lambda line, _: done.append(line), message=message
        )
    world.run(lambda: len(done) == 2)
    assert agent.came == []
    assert [line.taken_early for line in done if line] == [b"", b""]


def test_whose_key_is_unknown_is_told_nothing_early() -> None:
    world, caller, called, agent = two()
    lines: list[Line | None] = []
    caller.connect(world.endpoint_of(called), world.now, lambda line, _: lines.append(line), message=b"moved")
    world.run(lambda: lines)
    assert agent.came == []


def test_a_thousand_repetitions_are_one_message() -> None:
    world, caller, called, agent = two()
    call(world, caller, called, b"moved")
    firsts = [packet for _, _, packet in world.carried if packet[0] == INITIAL]
    elsewhere = Endpoint("udp", "198.51.100.7", 9)
    for repetition in range(1000):
        called.receive(firsts[0], elsewhere, world.now + repetition)
        called.take_packets(world.now + repetition)
        called.handle_timeout(world.now + repetition)
    assert len(agent.came) == 1


def test_what_is_remembered_is_bounded() -> None:
    world, _, called, _ = two()
    early, came = EarlyMessages(4), list[bytes]()
    early.on_message = lambda sender, message: came.append(message) is None
    sender = world.contact_of(called)
    for name in (b"1", b"1", b"2", b"3", b"4", b"1", b"5", b"2", b"1"):
        assert early.take(sender, name)
    assert came == [b"1", b"2", b"3", b"4", b"5", b"1"]
    assert len(early._taken) == 4
