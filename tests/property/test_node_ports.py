"""Any bytes at a node's ports: nothing raises, nothing grows, all is counted, and good peers are still served."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from object_state import state_of
from overlay_world import Call, World

from mesh99.dht.messages import FindNode, Nodes, encode_reply
from mesh99.dht.reading import decode
from mesh99.dht.search import LookupResult
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.codec import pack
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity, PublicKey
from mesh99.wire.packet import COOKIE, DATA, FINAL, INITIAL, REJECT, REPLY, RESET, STREAM_PACKET_BYTES
from mesh99.wire.stream_framing import BUFFER_BYTES, StreamBuffer, length_prefix

STRANGER = Endpoint("udp", "192.0.2.7", 9999)
UNHURRIED = OverlayConfig(handshakes_per_s=1e9, cookie_half_open=10**9, half_open_max=64)
"""No cookies however many first packets come, so that each is looked into."""


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
            counted = sum(overlay.dropped_by_reason().values()) + half_open(overlay)
            assert counted > before or sent

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

    first = flood(1000)
    assert flood(3000) < 1.5 * first
    assert len(busy.overlay.dropped_by_reason()) < 40
    still_answers(busy)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (bytes, str)) else 8


TAG = network_tag(UNHURRIED.network)


# any bytes from a peer with a session


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=64)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
REQUEST_KINDS = st.sampled_from([1, 2, 3, 4, 17, 18, 19, 20])
SHAPED = st.builds(
    lambda kind, number, rest: pack([kind, number, *rest])[:1100],
    REQUEST_KINDS | VALUES,
    st.integers(0, 2**32 - 1) | VALUES,
    st.lists(st.binary(min_size=32, max_size=32) | st.integers(0, 300) | VALUES, max_size=6),
)


def test_any_request_of_a_peer_is_counted_or_answered() -> None:
    busy = Busy()
    world, overlay = busy.world, busy.overlay
    line = busy.peer.lines.find(overlay.identity.node_id)
    assert line is not None
    answers: list[bytes] = []
    vars(busy.peer.dht)["receive"] = lambda payload, sender, now, size=1150: answers.append(payload)

    @settings(max_examples=300)
    @given(st.lists(st.binary(min_size=1, max_size=1000) | SHAPED, min_size=1, max_size=5))
    def receive(payloads: list[bytes]) -> None:
        before = sum(overlay.dht.dropped.values()) + len(answers)
        for payload in payloads:
            line.session.send_rpc(payload)
        busy.peer.lines.mark(line)
        world.run_for(0.1)
        assert sum(overlay.dht.dropped.values()) + len(answers) == before + len(payloads)

    receive()
    assert answers
    assert len(overlay.dht.store) == 0
    assert len(overlay.dht.dropped) < 40
    del vars(busy.peer.dht)["receive"]
    still_answers(busy)


POISON = [
    Contact(PublicKey(bytes((2,)) + bytes(31)), Endpoint("udp", "127.0.0.1", 7001)),
    Contact(PublicKey(bytes(32)), Endpoint("udp", "127.0.0.1", 7001)),
    Contact(PublicKey(bytes((1,)) + bytes(31)), Endpoint("udp", "127.0.0.1", 7001)),
    Contact(PublicKey(b"\xff" * 32), Endpoint("udp", "127.0.0.1", 7001)),
    Contact(Identity(bytes(32)).public_key, Endpoint("udp", "0.0.0.0", 0)),
    Contact(Identity(bytes(32)).public_key, Endpoint("udp", "255.255.255.255", 7001)),
    Contact(Identity(bytes(32)).public_key, Endpoint("tcp", "::1", 7001)),
]
"""Keys that are no points of the curve, or of low order, and endpoints that are none."""


@pytest.mark.parametrize("contact", POISON, ids=[str(number) for number in range(len(POISON))])
def test_a_poisoned_contact_stops_no_search(contact: Contact) -> None:
    busy = Busy()
    world, overlay = busy.world, busy.overlay
    answer = busy.peer.dht.receive

    def lie(payload: bytes, sender: Contact, now: float, size: int = 1150) -> bytes | None:
        request_id, message = decode(payload)
        if isinstance(message, FindNode):
            return encode_reply(request_id, Nodes(bytes(8), [contact]))
        return answer(payload, sender, now, size)

    vars(busy.peer.dht)["receive"] = lie
    results: list[LookupResult] = []
    overlay.dht.find_node(contact.node_id, world.now, results.append)
    world.run(lambda: results)
    assert [found.node_id for found in results[0].contacts] == [busy.peer.identity.node_id]
    del vars(busy.peer.dht)["receive"]
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
