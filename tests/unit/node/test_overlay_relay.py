"""Two overlays behind boxes meet through a third: by relay at once, and then without it where the boxes allow."""

from __future__ import annotations

import pytest

from mesh99.nat.relay.config import RelayConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.frames import NAT, RPC_HEAD, STREAM, STREAM_HEAD, encode_relayed
from tests.support.boxed_world import BoxedWorld

SERVING = OverlayConfig(relay=RelayConfig(serve=True))
NOWHERE = Endpoint("udp", "192.168.77.77", 9)
"""An address that leads nowhere: what a record of a node behind a box names of its own network."""


class Meeting:
    """A relay, one node that has reserved there, and one that calls it."""

    def __init__(self, caller: str, called: str) -> None:
        self.world = BoxedWorld()
        self.relay = self.world.join("none", SERVING)
        self.called = self.world.join(called)
        self.caller = self.world.join(caller)
        self.arrived: list[tuple[float, bytes, str]] = []
        for overlay in (self.called, self.caller):
            overlay.on_message = self._note
            overlay.relaying.reservations.wanted = True
            overlay.connect(self.world.contact_of(self.relay), self.world.now, lambda line, error: None)
        self.world.run(lambda: all(self.reserved(each) for each in (self.called, self.caller)))

    def reserved(self, overlay: Overlay) -> list[object]:
        return list(overlay.relaying.reservations.granted(self.world.now))

    def meet(self) -> list[Line]:
        """Call, and return the caller's line once it stands."""
        lines: list[Line] = []
        contact = Contact(self.called.identity.public_key, NOWHERE)
        relays = [self.world.contact_of(self.relay)]
        self.caller.connect(
            contact, self.world.now, lambda line, error: lines.append(line) if line else None, relays=relays
        )
        self.world.run(lambda: lines)
        return lines

    def path(self, overlay: Overlay, peer: Overlay) -> str:
        line = overlay.lines.find(peer.identity.node_id)
        return line.path_kind if line is not None else "none"

    def is_direct(self) -> bool:
        return self.path(self.caller, self.called) == self.path(self.called, self.caller) == "direct"

    def _note(self, line: Line, message: bytes) -> None:
        self.arrived.append((self.world.now, message, line.path_kind))


EASY = ["none", "full", "addr", "port"]
PAIRS = [(a, b) for a in EASY for b in EASY]


@pytest.mark.parametrize(("caller", "called"), PAIRS)
def test_easy_pairs_are_direct_within_a_few_delays(caller: str, called: str) -> None:
    meeting = Meeting(caller, called)
    started = meeting.world.now
    meeting.meet()
    meeting.world.run(meeting.is_direct, timeout_s=5.0)
    assert meeting.world.now - started <= 0.32


@pytest.mark.parametrize(("caller", "called"), [("sym", "sym"), ("sym", "port"), ("port", "sym")])
def test_messages_arrive_once_and_in_order_where_only_the_relay_leads(caller: str, called: str) -> None:
    meeting = Meeting(caller, called)
    (line,) = meeting.meet()
    for number in range(100):
        meeting.caller.send_message(line, b"%d" % number, meeting.world.now)
    meeting.world.run(lambda: len(meeting.arrived) == 100)
    assert [message for _, message, _ in meeting.arrived] == [b"%d" % number for number in range(100)]
    assert {path for _, _, path in meeting.arrived} == {"relay"}


@pytest.mark.parametrize("other", ["none", "full", "addr"])
def test_a_hard_box_reaches_boxes_that_do_not_look_at_ports(other: str) -> None:
    for caller, called in (("sym", other), (other, "sym")):
        meeting = Meeting(caller, called)
        meeting.meet()
        meeting.world.run(meeting.is_direct, timeout_s=5.0)


def test_a_stream_goes_on_in_order_while_its_path_changes() -> None:
    meeting = Meeting("port", "port")
    (line,) = meeting.meet()
    sent = [bytes([number % 256]) * 3000 for number in range(200)]
    for message in sent:
        meeting.caller.send_message(line, message, meeting.world.now)
    meeting.world.run(lambda: len(meeting.arrived) == len(sent))
    assert [message for _, message, _ in meeting.arrived] == sent
    assert meeting.is_direct()


def test_what_only_the_relay_carries_is_sealed() -> None:
    meeting = Meeting("sym", "sym")
    (line,) = meeting.meet()
    meeting.caller.send_message(line, b"a word between two", meeting.world.now)
    meeting.world.run(lambda: meeting.arrived)
    assert meeting.relay.relaying.server.carried_bytes > 0
    assert not any(b"a word between two" in packet for _, _, packet in meeting.world.carried)


def test_a_peer_met_through_a_relay_is_no_contact_for_others() -> None:
    meeting = Meeting("sym", "sym")
    meeting.meet()
    meeting.world.run_for(30.0)
    for overlay, peer in ((meeting.caller, meeting.called), (meeting.called, meeting.caller)):
        assert overlay.dht.table.find(peer.identity.node_id) is None


def test_a_relay_waits_for_nothing_after_a_packet_that_it_only_passed_on() -> None:
    """What it tells its host: no timer is to be set, and no answer to be awaited; not so when anything else came."""
    meeting = Meeting("sym", "sym")
    meeting.meet()
    relay, world = meeting.relay, meeting.world
    to_relay = meeting.caller.lines.find(relay.identity.node_id)
    at_relay = relay.lines.find(meeting.caller.identity.node_id)
    assert to_relay is not None
    assert at_relay is not None
    (circuit,) = meeting.caller.relaying.circuits.of_relay(relay.identity.node_id)
    session, source = to_relay.session, at_relay.session.path
    relayed = encode_relayed(circuit.number << 1, b"packet")
    word = RPC_HEAD.pack(NAT, 1) + b"x"
    stream = STREAM_HEAD.pack(STREAM, 0, 0, 1) + b"x"
    for frames, passed_on in (((relayed,), True), ((relayed, word), False), ((relayed, stream), False)):
        packet = session._sealing.seal(b"".join(frames), world.now)
        relay.take_packets(world.now)
        assert relay.receive(packet, source, world.now) is passed_on
        assert relay.has_output
