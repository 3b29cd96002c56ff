"""Every kind of packet, cut at each byte and with each bit flipped: nothing changes but counters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from object_state import changes, state_of
from overlay_world import Call, World

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import HandshakeFailed
from mesh99.wire.packet import COOKIE, DATA, FINAL, INITIAL, REJECT, REPLY, RESET

UNHURRIED = OverlayConfig(handshakes_per_s=1e9, cookie_half_open=10**9, half_open_max=64)
"""No cookies however many first packets come, so that each is looked into."""

NOT_STATE = frozenset(
    {"dropped", "_now", "_tokens", "_tokens_at", "on_message", "on_peer", "_derived", "_keys"}
)
"""Counters, the time of the last call, and the rate of handshakes."""


class Moment:
    """A packet of a real exchange, caught before its receiver saw it."""

    def __init__(self, world: World, receiver: Overlay, packet: bytes, source: Endpoint) -> None:
        self.world = world
        self.receiver = receiver
        self.packet = packet
        self.source = source
        self.call = Call()

    def state(self) -> dict[str, object]:
        """Return what the receiver knows."""
        self.receiver.take_packets(self.world.now)
        return state_of(self.receiver, NOT_STATE)

    def bring(self, packet: bytes) -> int:
        """Hand a packet to the receiver; returns how many bytes it sends back."""
        self.receiver.receive(packet, self.source, self.world.now)
        answers = self.receiver.take_packets(self.world.now)
        return sum(len(answer) for answer, destination in answers if destination == self.source)

    def go_on(self) -> None:
        """Let the exchange have the packet as it was."""
        self.world.rule = lambda packet, source, destination: packet
        self.receiver.receive(self.packet, self.source, self.world.now)


def caught(kind: int, config: OverlayConfig, act: Callable[[World, Overlay, Overlay, Call], None]) -> Moment:
    """Run two overlays until one sends the first packet of a kind."""
    world = World()
    call = Call()
    caught_here: list[tuple[bytes, Endpoint, Endpoint]] = []

    def rule(packet: bytes, source: Endpoint, destination: Endpoint) -> bytes | None:
        if packet[0] & 0xE0 == DATA == kind or packet[0] == kind:
            caught_here.append((packet, source, destination))
            return None
        return packet

    world.rule = rule
    act(world, world.add(1, config), world.add(2, config), call)
    world.run(lambda: caught_here)
    packet, source, destination = caught_here[0]
    moment = Moment(world, world.overlays[destination], packet, source)
    moment.call = call
    return moment


def call_known(world: World, a: Overlay, b: Overlay, call: Call) -> None:
    a.connect(world.contact_of(b), world.now, call)


def call_unknown(world: World, a: Overlay, b: Overlay, call: Call) -> None:
    a.connect(world.endpoint_of(b), world.now, call)


def send_message(world: World, a: Overlay, b: Overlay, call: Call) -> None:
    rule, world.rule = world.rule, lambda packet, source, destination: packet
    a.connect(world.contact_of(b), world.now, call)
    world.run(lambda: call.line is not None and len(b.lines) == 1)
    world.run_for(2.0)
    world.rule = rule
    assert call.line is not None
    a.send_message(call.line, bytes(500), world.now)


def restart_peer(world: World, a: Overlay, b: Overlay, call: Call) -> None:
    send_message(world, a, b, call)
    world.kill(b)
    world.now += 1
    world.add(2)


def change_network(world: World, a: Overlay, b: Overlay, call: Call) -> None:
    contact = world.contact_of(b)
    world.kill(b)
    world.add(2, OverlayConfig(network="another"))
    a.connect(contact, world.now, call)


COOKIES = OverlayConfig(handshakes_per_s=0.5)
"""Less than one handshake a second is left: every first packet needs a cookie."""

MOMENTS: dict[str, Callable[[], Moment]] = {
    "INITIAL IK": lambda: caught(INITIAL, UNHURRIED, call_known),
    "INITIAL XX": lambda: caught(INITIAL, UNHURRIED, call_unknown),
    "REPLY IK": lambda: caught(REPLY, UNHURRIED, call_known),
    "REPLY XX": lambda: caught(REPLY, UNHURRIED, call_unknown),
    "FINAL": lambda: caught(FINAL, UNHURRIED, call_unknown),
    "COOKIE": lambda: caught(COOKIE, COOKIES, call_known),
    "REJECT": lambda: caught(REJECT, UNHURRIED, change_network),
    "RESET": lambda: caught(RESET, UNHURRIED, restart_peer),
    "first DATA": lambda: caught(DATA, UNHURRIED, call_known),
    "DATA": lambda: caught(DATA, UNHURRIED, send_message),
}
HINTS = {"COOKIE": range(9, 25), "REJECT": range(9, 10)}
"""Bytes that nothing authenticates: they are believed of whoever knows the random id of the call."""


def damaged(packet: bytes, spared: range = range(0)) -> list[bytes]:
    """Return the packet cut at each byte, and with each bit flipped but those of the spared bytes."""
    whole = int.from_bytes(packet, "big")
    bits = [bit for bit in range(8 * len(packet)) if bit // 8 not in spared]
    flipped = [(whole ^ 1 << 8 * len(packet) - 1 - bit).to_bytes(len(packet), "big") for bit in bits]
    return [packet[:size] for size in range(len(packet))] + flipped


@pytest.mark.parametrize("name", MOMENTS)
def test_a_damaged_packet_changes_nothing_but_counters(name: str) -> None:
    moment = MOMENTS[name]()
    before = moment.state()
    counted = sum(moment.receiver.dropped_by_reason().values())
    packets = damaged(moment.packet, HINTS.get(name, range(0)))
    for packet in packets:
        assert moment.bring(packet) <= len(packet)
    if name.startswith("INITIAL"):
        # Nothing protects a first packet of an unknown caller: it may open a handshake, which nobody completes.
        moment.receiver.handle_timeout(moment.world.now + UNHURRIED.half_open_s)
    else:
        assert sum(moment.receiver.dropped_by_reason().values()) == counted + len(packets)
    assert changes(before, moment.state()) == {}
    moment.go_on()
    assert changes(before, moment.state())
    moment.world.run(lambda: moment.call.over)
    if name == "REJECT":
        assert isinstance(moment.call.error, HandshakeFailed)
        assert moment.call.error.reason == "network"
    elif name == "RESET":
        assert moment.call.line is not None
        assert moment.call.line.session.closed == "reset"
    else:
        assert moment.call.error is None
        moment.world.run(lambda: all(len(overlay.lines) == 1 for overlay in moment.world.overlays.values()))


@pytest.mark.parametrize("name", HINTS)
def test_a_damaged_hint_delays_a_call_at_most(name: str) -> None:
    for bit in range(8 * HINTS[name].start, 8 * HINTS[name].stop):
        moment = MOMENTS[name]()
        packet = bytearray(moment.packet)
        packet[bit // 8] ^= 1 << bit % 8
        moment.world.rule = lambda packet, source, destination: packet
        moment.receiver.receive(bytes(packet), moment.source, moment.world.now)
        moment.world.run(partial(getattr, moment.call, "over"))
        if name == "REJECT":
            assert moment.call.error is not None
        else:
            assert moment.call.error is None
