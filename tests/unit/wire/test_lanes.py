"""Lanes: bytes cut, lost, reordered, put together."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from mesh99.wire.errors import DecodeError
from mesh99.wire.frames import LANE_CREDIT_BYTES
from mesh99.wire.lanes import COPY_BYTES_MAX, EARLY_PIECES_MAX, LENGTH, ReceiveLane, SendLane
from mesh99.wire.recovery import Span

WINDOW = 4 * LANE_CREDIT_BYTES


def taken(lane: SendLane, room: int) -> list[Span]:
    spans = []
    while (span := lane.take(room)) is not None:
        spans.append(span)
    return spans


def receiver(message_bytes_max: int = 1 << 20) -> ReceiveLane:
    return ReceiveLane(WINDOW, message_bytes_max)


def framed(*messages: bytes) -> bytes:
    return b"".join(LENGTH.pack(len(message)) + message for message in messages)


def test_small_messages_share_a_span() -> None:
    lane = SendLane(0)
    for message in (b"a", b"", b"ccc"):
        lane.add(message)
    assert taken(lane, 1000) == [(0, 0, framed(b"a", b"", b"ccc"))]
    lane.add(b"d")
    assert taken(lane, 1000) == [(0, lane.offset - 5, framed(b"d"))]


@pytest.mark.parametrize("room", [1, 5, 100, 1153, 65_000])
@pytest.mark.parametrize(
    "sizes", [(0, 1, 3000), (COPY_BYTES_MAX, COPY_BYTES_MAX + 1), (200_000,), (300,) * 50]
)
def test_spans_cover_all_bytes_once_and_fill_their_room(room: int, sizes: tuple[int, ...]) -> None:
    if sum(sizes) / room > 10_000:
        room = 100
    messages = [bytes([n % 251]) * size for n, size in enumerate(sizes)]
    lane = SendLane(1)
    for message in messages:
        lane.add(message)
    spans = taken(lane, room)
    assert b"".join(data for _, _, data in spans) == framed(*messages)
    assert all(len(data) == room for _, _, data in spans[:-1])
    assert [offset for _, offset, _ in spans] == [n * room for n in range(len(spans))]
    assert lane.queued_bytes == 0


def test_new_bytes_stop_at_the_window_and_lost_ones_do_not() -> None:
    lane = SendLane(0)
    lane.add(bytes(LANE_CREDIT_BYTES + 50))
    spans = taken(lane, 60_000)
    assert sum(len(data) for _, _, data in spans) == LANE_CREDIT_BYTES
    lane.take_back(spans[0])
    assert lane.take(60_000) == spans[0]
    lane.limit += 100
    assert taken(lane, 60_000) == [(0, LANE_CREDIT_BYTES, bytes(54))]


def test_lost_bytes_go_first_in_order_and_are_cut_to_the_room() -> None:
    lane = SendLane(0)
    lane.add(bytes(range(100)))
    spans = taken(lane, 40)
    lane.take_back(spans[2])
    lane.take_back(spans[0])
    lane.add(b"new")
    again = taken(lane, 25)
    assert [offset for _, offset, _ in again] == [0, 25, 80, 104]
    assert b"".join(data for _, _, data in again[:2]) == spans[0][2]


def test_messages_come_whole_and_in_order_however_they_are_cut() -> None:
    random = Random(5)
    messages = [random.randbytes(random.choice((0, 1, 3, 50, 2000))) for _ in range(60)]
    stream = framed(*messages)
    for _ in range(60):
        pieces, position = [], 0
        while position < len(stream):
            size = random.choice((1, 2, 3, 7, 100, 1153, 5000))
            pieces.append((position, stream[position : position + size]))
            position += size
        pieces += random.sample(pieces, len(pieces) // 4)
        random.shuffle(pieces)
        lane, inbox = receiver(), []
        for offset, data in pieces:
            assert lane.receive(offset, data, inbox)
        assert inbox == messages
        assert lane.offset == len(stream)
        assert not lane._early


def test_overlapping_pieces_are_trimmed() -> None:
    stream = framed(bytes(range(200)), b"end")
    lane, inbox = receiver(), list[bytes]()
    for first, last in ((50, 120), (60, 210), (0, 70), (100, len(stream)), (0, len(stream))):
        assert lane.receive(first, stream[first:last], inbox)
    assert inbox == [bytes(range(200)), b"end"]
    assert lane._early_bytes == sum(len(data) for data in lane._early.values())


def test_the_first_piece_gives_all_that_is_whole_and_waits_for_the_rest() -> None:
    lane, inbox = receiver(), list[bytes]()
    stream = framed(b"one", b"two", b"three")
    lane.receive(0, stream[:16], inbox)
    assert inbox == [b"one", b"two"]
    lane.receive(16, stream[16:], inbox)
    assert inbox == [b"one", b"two", b"three"]


def test_bytes_beyond_the_window_are_refused() -> None:
    with pytest.raises(DecodeError):
        receiver().receive(LANE_CREDIT_BYTES, b"x", [])
    with pytest.raises(DecodeError):
        receiver().receive(LANE_CREDIT_BYTES - 1, b"xx", [])
    assert receiver().receive(LANE_CREDIT_BYTES - 1, b"x", [])


@pytest.mark.parametrize("cut", [2, 4, 6])
def test_a_message_over_the_limit_is_refused_at_its_length(cut: int) -> None:
    lane = receiver(message_bytes_max=100)
    stream = framed(bytes(101))
    pieces = ((offset, stream[offset : offset + cut]) for offset in range(0, len(stream), cut))
    with pytest.raises(DecodeError):
        deque((lane.receive(offset, data, []) for offset, data in pieces), maxlen=0)
    assert lane.offset <= 8


def test_pieces_ahead_of_a_gap_are_bounded() -> None:
    lane = receiver()
    offsets = range(1, 2 * EARLY_PIECES_MAX, 2)
    assert all(lane.receive(offset, b"x", []) for offset in offsets)
    assert not lane.receive(2 * EARLY_PIECES_MAX + 1, b"x", [])
    assert lane.receive(1, b"x", [])


def test_bytes_ahead_of_a_gap_are_bounded() -> None:
    lane = ReceiveLane(LANE_CREDIT_BYTES, 1 << 20)
    accepted = [lane.receive(offset, bytes(60_000), []) for offset in range(1, 60)]
    assert accepted.count(True) == 2 * LANE_CREDIT_BYTES // 60_000
    assert not accepted[-1]


def test_the_window_moves_with_what_came() -> None:
    lane, inbox = receiver(), list[bytes]()
    stream = framed(bytes(900_000))
    lane.receive(0, stream[:500_000], inbox)
    assert lane.offset < lane.grant_at
    lane.receive(500_000, stream[500_000:], inbox)
    assert lane.offset >= lane.grant_at
    assert lane.grant() == len(stream) + WINDOW
    assert lane.offset < lane.grant_at
