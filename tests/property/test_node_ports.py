"""Any bytes at a node's ports: nothing raises, nothing grows, everything is counted, and good peers are still served."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from object_state import changes, state_of
from overlay_world import Call, World

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import HandshakeFailed
from mesh99.wire.packet import COOKIE, DATA, FINAL, INITIAL, REJECT, REPLY, RESET, STREAM_PACKET_BYTES
from mesh99.wire.stream_framing import BUFFER_BYTES, StreamBuffer, length_prefix

STRANGER = Endpoint("udp", "192.0.2.7", 9999)
UNHURRIED = OverlayConfig(handshakes_per_s=1e9, cookie_half_open=10**9, half_open_max=64)
"""No cookies however many first packets come, so that each is looked into."""

NOT_STATE = frozenset({"dropped", "_now", "_tokens", "_tokens_at", "on_message", "on_peer"})
"""Counters, the time of the last call, and the rate of handshakes."""


# every kind of packet, damaged in every way


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
        moment.world.run(lambda moment=moment: moment.call.over)
        if name == "REJECT":
            assert moment.call.error is not None
        else:
            assert moment.call.error is None


# any bytes as datagrams


class Busy:
    """An overlay in the midst of everything: a session, a call of its own, a half-open call of another."""

    def __init__(self) -> None:
        self.world = World()
        self.overlay = self.world.add(0, UNHURRIED)
        self.peer = self.world.add(1, UNHURRIED)
        call = Call()
        self.peer.connect(self.world.contact_of(self.overlay), self.world.now, call)
        self.world.run(lambda: call.line is not None and len(self.overlay.lines) == 1)
        self.world.run_for(2.0)
        nobody = Contact(self.world.add(2).identity.public_key, Endpoint("udp", "127.0.0.1", 1))
        self.overlay.connect(nobody, self.world.now, Call())
        first, _ = self.overlay.take_packets(self.world.now)[0]
        self.overlay.receive(self.first_packet(), STRANGER, self.world.now)
        half_open = self.overlay.take_packets(self.world.now)[0][0]
        [line] = self.overlay.lines.current()
        self.ids = [line.session.local_id, line.session.remote_id]
        self.ids += [int.from_bytes(first[6:14], "big"), int.from_bytes(half_open[9:17], "big")]

    def first_packet(self) -> bytes:
        """Return the first packet of a caller that never goes on."""
        caller = World(seed=2).add(9)
        caller.connect(self.world.contact_of(self.overlay), self.world.now, Call())
        return caller.take_packets(self.world.now)[0][0]


KINDS = st.sampled_from([INITIAL, REPLY, FINAL, COOKIE, REJECT, RESET]) | st.integers(DATA, DATA + 31)
REST = st.binary(max_size=80) | st.binary(min_size=1180, max_size=1300)


def packets_for(ids: list[int]) -> st.SearchStrategy[bytes]:
    """Draw packets of every kind: noise, and such that name something the receiver knows."""
    names = st.sampled_from(ids).map(lambda number: number.to_bytes(8, "big"))
    steered = st.builds(lambda kind, name, rest: bytes((kind,)) + name + rest, KINDS, names, REST)
    tag = UNHURRIED.network
    first = st.builds(
        lambda name, pattern, rest: bytes((INITIAL, 1)) + network_tag(tag) + name + pattern + rest,
        names,
        st.sampled_from([b"\x00\x00", b"\x01\x00", b"\x00\x10", b"\x01\x10", b"\x02\x00", b"\x00\x05"]),
        REST,
    )
    return REST | st.builds(lambda kind, rest: bytes((kind,)) + rest, KINDS, REST) | steered | first


def network_tag(network: str) -> bytes:
    """Read the tag of a network off a first packet."""
    world = World()
    a = world.add(1, OverlayConfig(network=network))
    a.connect(STRANGER, world.now, Call())
    return a.take_packets(world.now)[0][0][2:6]


def test_any_datagram_is_counted_and_dropped() -> None:
    busy = Busy()
    overlay, world = busy.overlay, busy.world
    contacts = [contact.node_id for contact in overlay.dht.contacts(100)]

    @settings(max_examples=300)
    @given(
        st.lists(packets_for(busy.ids), min_size=1, max_size=20),
        st.sampled_from([STRANGER, world.endpoint_of(busy.peer)]),
    )
    def receive(packets: list[bytes], source: Endpoint) -> None:
        for packet in packets:
            before = sum(overlay.dropped_by_reason().values()) + half_open(overlay)
            overlay.receive(packet, source, world.now)
            sent = [
                answer for answer, destination in overlay.take_packets(world.now) if destination == source
            ]
            assert sum(map(len, sent)) <= len(packet)
            assert sum(overlay.dropped_by_reason().values()) + half_open(overlay) > before

    receive()
    assert len(overlay.lines) == 1
    assert [contact.node_id for contact in overlay.dht.contacts(100)] == contacts
    still_answers(busy)


def half_open(overlay: Overlay) -> int:
    return len(overlay._handshakes.half_open)


def still_answers(busy: Busy) -> None:
    """The old session works, and a new caller is answered."""
    world, overlay = busy.world, busy.overlay
    received: list[bytes] = []
    overlay.on_message = lambda line, message: received.append(bytes(message))
    line = busy.peer.lines.find(overlay.identity.node_id)
    assert line is not None
    busy.peer.send_message(line, b"still there?", world.now)
    new, call = world.add(3), Call()
    new.connect(world.contact_of(overlay), world.now, call)
    world.run(lambda: received and call.over)
    assert call.error is None
    assert received == [b"still there?"]


def test_no_flood_makes_an_overlay_grow() -> None:
    busy = Busy()
    random = Random(5)

    def flood(count: int) -> int:
        for number in range(count):
            kind = random.choice((INITIAL, INITIAL, REPLY, FINAL, COOKIE, REJECT, RESET, 0xC0, 0xC7, 0x17))
            name = random.choice((*busy.ids, random.getrandbits(64))).to_bytes(8, "big")
            head = bytes((kind, 1)) + TAG + name + b"\x01\x00" if kind == INITIAL else bytes((kind,)) + name
            source = Endpoint("udp", f"192.0.2.{number % 250}", random.randrange(1, 65536))
            busy.overlay.receive(
                head + random.randbytes(random.choice((1, 16, 600, 1184))), source, busy.world.now
            )
            busy.overlay.take_packets(busy.world.now)
        return sum(_size(value) for value in state_of(busy.overlay).values())

    first = flood(500)
    assert flood(3000) < first * 1.1 + 1000
    assert len(busy.overlay.dropped_by_reason()) < 40
    still_answers(busy)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (bytes, str)) else 8


TAG = network_tag(UNHURRIED.network)


# any bytes from a peer with a session


def test_any_request_of_a_peer_is_counted_or_answered() -> None:
    busy = Busy()
    world, overlay = busy.world, busy.overlay
    line = busy.peer.lines.find(overlay.identity.node_id)
    assert line is not None

    @settings(max_examples=300)
    @given(st.lists(st.binary(min_size=1, max_size=1000), min_size=1, max_size=5))
    def receive(payloads: list[bytes]) -> None:
        before = sum(overlay.dht.dropped.values())
        for payload in payloads:
            line.session.send_rpc(payload)
        busy.peer.lines.mark(line)
        world.run_for(0.1)
        assert sum(overlay.dht.dropped.values()) == before + len(payloads)

    receive()
    still_answers(busy)


# any bytes as a stream


@given(st.binary(max_size=2000), st.lists(st.integers(1, 300), max_size=20))
def test_any_stream_is_cut_into_packets_or_broken(data: bytes, sizes: list[int]) -> None:
    buffer = StreamBuffer()
    for packet in read_in_pieces(buffer, data, sizes):
        assert 0 < len(packet) <= STREAM_PACKET_BYTES
    assert len(buffer.space()) <= BUFFER_BYTES


@given(st.lists(st.binary(min_size=1, max_size=400), max_size=10), st.lists(st.integers(1, 300), max_size=20))
def test_packets_come_out_of_a_stream_however_it_is_cut(packets: list[bytes], sizes: list[int]) -> None:
    data = b"".join(length_prefix(packet) + packet for packet in packets)
    buffer = StreamBuffer()
    assert read_in_pieces(buffer, data, sizes) == packets
    assert not buffer.broken


@pytest.mark.parametrize("length", [0, STREAM_PACKET_BYTES + 1, 2**32 - 1])
def test_a_length_that_cannot_be_breaks_a_stream(length: int) -> None:
    buffer = StreamBuffer()
    data = length_prefix(b"x") + b"x" + length.to_bytes(4, "big") + length_prefix(b"y") + b"y"
    assert read_in_pieces(buffer, data, []) == [b"x"]
    assert buffer.broken


def read_in_pieces(buffer: StreamBuffer, data: bytes, sizes: list[int]) -> list[bytes]:
    """Read a stream in pieces of these sizes, the rest at once."""
    packets: list[bytes] = []
    while data and not buffer.broken:
        space = buffer.space()
        size = min(len(data), len(space), sizes.pop(0) if sizes else len(data))
        space[:size] = data[:size]
        data = data[size:]
        packets += [bytes(packet) for packet in buffer.received(size)]
    return packets
