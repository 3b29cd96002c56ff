"""What holds for sessions whatever the network does and whatever strangers and peers send."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from session_link import A_TCP, A_UDP, B_TCP, B_UDP, Link, session_pair

from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.frames import CLOSE, decode
from mesh99.wire.lanes import LENGTH, ReceiveLane
from mesh99.wire.replay import WINDOW, ReplayWindow
from mesh99.wire.session_config import SessionConfig
from mesh99.wire.stream_framing import StreamBuffer

ELSEWHERE = Endpoint("udp", "198.51.100.9", 4444)
SMALL = SessionConfig(bulk_bytes=4000)
"""Messages over 4000 bytes take the bulk lane, so that examples reach both lanes and stay quick."""

sizes = st.one_of(st.integers(0, 300), st.integers(0, 4000), st.integers(4001, 30_000))
message_lists = st.lists(sizes, min_size=1, max_size=40).map(
    lambda drawn: [n.to_bytes(2, "big") + bytes(size) for n, size in enumerate(drawn)]
)
links = st.fixed_dictionaries(
    {
        "loss": st.sampled_from([0.0, 0.02, 0.1, 0.3]),
        "doubled": st.sampled_from([0.0, 0.2]),
        "jitter_s": st.sampled_from([0.0, 0.002, 0.05]),
        "delay_s": st.sampled_from([0.0001, 0.01, 0.2]),
        "seed": st.integers(0, 1 << 30),
    }
)

frame_like = st.builds(
    lambda kind, rest: bytes((kind,)) + rest, st.integers(0, CLOSE + 1), st.binary(max_size=60)
)


def by_lane(messages: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    return [m for m in messages if len(m) <= SMALL.bulk_bytes], [
        m for m in messages if len(m) > SMALL.bulk_bytes
    ]


@given(st.lists(st.one_of(st.integers(0, 200), st.integers(0, 3 * WINDOW)), max_size=300))
@example([0, WINDOW, 1, WINDOW + 1, 1, 2])
def test_the_replay_window_is_a_set_with_an_edge(counters: list[int]) -> None:
    window, seen, highest = ReplayWindow(), set[int](), -1
    for counter in counters:
        fresh = counter not in seen and (counter > highest or counter + WINDOW > highest)
        assert window.is_fresh(counter) is fresh
        if fresh:
            window.add(counter)
            seen.add(counter)
            highest = max(highest, counter)
        assert not window.is_fresh(counter)


@given(st.one_of(st.binary(max_size=300), frame_like))
def test_frames_of_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        frames = decode(data)
    except DecodeError:
        return
    assert len(frames) <= len(data)


@given(st.binary(max_size=200), st.booleans())
def test_any_packet_is_counted_and_dropped(data: bytes, to_us: bool) -> None:
    a, b = session_pair()
    packet = a._sealing.seal(b"\x00", 0.0)[:17] + data if to_us else data
    assert not b.receive(packet, ELSEWHERE, 0.0)
    assert not b.receive(memoryview(packet), ELSEWHERE, 0.0)
    assert sum(b.dropped.values()) == 2
    assert b.take_packets(0.0) == []
    assert not b.confirmed


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=60), frame_like), max_size=8))
def test_no_frames_of_a_peer_raise_or_bring_more_than_they_cost(plaintexts: list[bytes]) -> None:
    a, b = session_pair()
    for plaintext in plaintexts:
        packet = a._sealing.seal(plaintext, 0.0)
        b.receive(packet, ELSEWHERE, 0.0)
        sent = [(answer, to) for answer, to in b.take_packets(0.0) if to == ELSEWHERE]
        assert sum(len(answer) for answer, _ in sent) <= len(packet)


@given(st.binary(max_size=400), st.data())
def test_a_packet_cut_or_flipped_changes_nothing_but_a_counter(message: bytes, data: st.DataObject) -> None:
    a, b = session_pair(data.draw(st.sampled_from(["udp", "tcp"])))
    a.send_message(message)
    ((packet, _),) = a.take_packets(0.0)
    size = data.draw(st.integers(0, len(packet) - 1))
    bit = data.draw(st.integers(0, len(packet) * 8 - 1))
    flipped = bytearray(packet)
    flipped[bit // 8] ^= 1 << bit % 8
    for bad in (packet[:size], bytes(flipped)):
        assert not b.receive(bad, ELSEWHERE, 0.0)
    assert (sum(b.dropped.values()), b.messages, b.path) == (
        2,
        [],
        a.path._replace(host="192.0.2.1", port=7001),
    )
    assert b.take_packets(0.0) == []
    assert b.receive(packet, b.path, 0.0)
    assert b.messages == [message]


@hypothesis_settings(max_examples=60)
@given(message_lists, message_lists, links)
def test_every_message_arrives_once_and_in_order_over_a_bad_link(
    forth: list[bytes], back: list[bytes], link_kind: dict[str, float]
) -> None:
    a, b = session_pair(config=SMALL)
    link = Link(a, b, **link_kind)  # type: ignore[arg-type]
    for message in forth:
        a.send_message(message)
    for message in back:
        b.send_message(message)
    link.run(lambda: link.delivered(forth, b) and link.delivered(back, a), timeout_s=3600.0)
    link.loss = 0.0
    link.settle(timeout_s=3600.0)
    assert by_lane(link.received[b]) == by_lane(forth)
    assert by_lane(link.received[a]) == by_lane(back)
    assert (a.queued_bytes, b.queued_bytes) == (0, 0)
    assert (a.closed, b.closed) == (None, None)
    assert (a.next_timeout(), b.next_timeout()) == (None, None)


@hypothesis_settings(max_examples=60)
@given(message_lists, st.integers(0, 30), links)
def test_a_tcp_path_that_dies_loses_nothing(
    messages: list[bytes], lives: int, link_kind: dict[str, float]
) -> None:
    a, b = session_pair("tcp", config=SMALL)
    link = Link(a, b, **link_kind)  # type: ignore[arg-type]
    carried = [0]

    def die_after_some(sender: object, packet: bytes) -> bool:
        carried[0] += 1
        return carried[0] <= lives or not link.tcp_open

    link.rule = die_after_some
    for n, message in enumerate(messages):
        a.send_message(message)
        if n % 3 == 0:
            link.run(lambda: True)
            link.now += 0.001
    link.run(lambda: carried[0] >= min(lives, 1))
    link.break_tcp()
    a.use_path(B_UDP, link.now)
    b.use_path(A_UDP, link.now)
    link.run(lambda: link.delivered(messages, b), timeout_s=3600.0)
    assert by_lane(link.received[b]) == by_lane(messages)
    a.use_path(B_TCP, link.now)
    b.use_path(A_TCP, link.now)
    link.tcp_open, lives = True, 1 << 30
    a.send_message(b"on tcp again")
    link.run(lambda: link.received[b][-1] == b"on tcp again")
    assert len(link.received[b]) == len(messages) + 1


@hypothesis_settings(max_examples=60)
@given(message_lists, st.integers(0, 40), links)
def test_a_new_address_is_followed_only_after_its_challenge(
    messages: list[bytes], moves_after: int, link_kind: dict[str, float]
) -> None:
    a, b = session_pair(config=SMALL)
    link = Link(a, b, **link_kind)  # type: ignore[arg-type]
    for message in messages:
        a.send_message(message)
    link.run(lambda: len(link.carried) >= moves_after or link.delivered(messages, b), timeout_s=3600.0)
    link.a_udp = ELSEWHERE
    before = len(link.carried)

    pinged = [link.now]

    def moved() -> bool:
        if link.now >= pinged[-1] + 0.1:
            pinged.append(link.now)
            a.ping(link.now)
            link.carry()
        return b.path == ELSEWHERE

    a.ping(link.now)

    link.run(moved, timeout_s=3600.0)
    asked = [packet for sender, packet, to in link.carried[before:] if sender is b and to == ELSEWHERE]
    assert asked, "it moved without a challenge"
    link.run(lambda: link.delivered(messages, b), timeout_s=3600.0)
    assert by_lane(link.received[b]) == by_lane(messages)


@given(st.lists(st.binary(max_size=60), max_size=20), st.randoms(use_true_random=False))
def test_a_lane_gives_back_what_was_put_in_however_it_is_cut(messages: list[bytes], random: object) -> None:
    stream = b"".join(LENGTH.pack(len(message)) + message for message in messages)
    cuts = sorted(random.choices(range(len(stream) + 1), k=12)) if stream else []  # type: ignore[attr-defined]
    edges = [0, *cuts, len(stream)]
    pieces = [(first, last) for first, last in itertools.pairwise(edges) if last > first]
    pieces += [(first, min(last + 7, len(stream))) for first, last in pieces]
    random.shuffle(pieces)  # type: ignore[attr-defined]
    lane, inbox = ReceiveLane(1 << 20, 1000), list[bytes]()
    for first, last in pieces:
        assert lane.receive(first, stream[first:last], inbox)
    assert inbox == messages


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_on_a_stream_are_packets_or_break_it(chunks: list[bytes]) -> None:
    buffer, given_bytes, taken = StreamBuffer(), 0, 0
    for chunk in chunks:
        given_bytes += len(chunk)
        buffer.space()[: len(chunk)] = chunk
        for packet in buffer.received(len(chunk)):
            assert len(packet) > 0
            taken += len(packet) + 4
    assert taken <= given_bytes
