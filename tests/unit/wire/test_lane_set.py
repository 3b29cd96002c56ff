"""The lanes of a session together."""

from __future__ import annotations

import pytest

from mesh99.wire.errors import PayloadTooLarge, QueueFull
from mesh99.wire.frames import LANE_CREDIT_BYTES, MaxData, Stream, decode
from mesh99.wire.lane_set import BULK, MESSAGES, LaneSet
from mesh99.wire.recovery import Sent, Span
from mesh99.wire.session_config import SessionConfig

CONFIG = SessionConfig()


def filled(lanes: LaneSet, room: int) -> tuple[list[Stream], list[Span]]:
    parts: list[bytes | memoryview] = []
    spans = lanes.fill(parts, room)
    packet = b"".join(parts)
    assert len(packet) <= room
    return [frame for frame in decode(packet) if isinstance(frame, Stream)], spans


def test_lanes_are_made_when_they_are_used() -> None:
    lanes = LaneSet(CONFIG)
    assert lanes._sending == [None, None]
    assert lanes._receiving == [None, None]


def test_a_small_message_does_not_wait_behind_a_large_one() -> None:
    lanes = LaneSet(CONFIG)
    lanes.add(bytes(CONFIG.bulk_bytes + 1))
    filled(lanes, 1000)
    lanes.add(b"small")
    streams, spans = filled(lanes, 1000)
    assert [stream.lane for stream in streams] == [MESSAGES, BULK]
    assert streams[0].data == b"\x00\x00\x00\x05small"
    assert [(span[0], span[1]) for span in spans] == [(stream.lane, stream.offset) for stream in streams]


def test_what_is_queued_counts_until_it_arrived() -> None:
    lanes = LaneSet(CONFIG)
    lanes.add(b"abc")
    assert lanes.queued_bytes == 7
    _, spans = filled(lanes, 1000)
    lost = Sent(0.0, 100, spans, False)
    lanes.take_back([lost])
    assert lanes.queued_bytes == 7
    _, again = filled(lanes, 1000)
    assert again == spans
    lanes.arrived([Sent(0.0, 100, again, False)])
    assert lanes.queued_bytes == 0


def test_limits_hold() -> None:
    lanes = LaneSet(SessionConfig(message_bytes_max=1000, send_buffer_bytes_max=1500))
    with pytest.raises(PayloadTooLarge) as too_large:
        lanes.add(bytes(1001))
    assert (too_large.value.size_bytes, too_large.value.size_bytes_max) == (1001, 1000)
    lanes.add(bytes(1000))
    with pytest.raises(QueueFull) as full:
        lanes.add(bytes(600))
    assert full.value.size_bytes_max == 1500
    lanes.add(bytes(400))


def test_one_message_may_be_larger_than_the_buffer() -> None:
    lanes = LaneSet(SessionConfig(send_buffer_bytes_max=100))
    lanes.add(bytes(5000))
    with pytest.raises(QueueFull):
        lanes.add(b"")


def test_windows_are_opened_when_half_is_used_and_again_when_that_was_lost() -> None:
    lanes, inbox = LaneSet(CONFIG), list[bytes]()
    lanes.receive(BULK, 0, (1 << 20).to_bytes(4, "big") + bytes(LANE_CREDIT_BYTES // 2), inbox)
    assert lanes.grant_due
    grant = MaxData(BULK, LANE_CREDIT_BYTES // 2 + 4 + CONFIG.window_bytes)
    assert [decode(frame) for frame in lanes.take_grants()] == [[grant]]
    assert not lanes.grant_due
    lanes.take_back([Sent(0.0, 100, [], True)])
    assert lanes.grant_due
    assert [decode(frame) for frame in lanes.take_grants()] == [[grant]]


def test_a_limit_only_moves_forward() -> None:
    lanes = LaneSet(CONFIG)
    lanes.add(bytes(60_000))
    lanes.set_limit(MESSAGES, 10)
    _, spans = filled(lanes, 65_000)
    assert sum(len(data) for _, _, data in spans) == 60_004
