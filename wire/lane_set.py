"""The lanes of one session, both directions, made when first used: messages and bulk.

Messages over a size take the bulk lane, and packets are filled from the message lane first, so that a small message
never waits behind a large one.
"""

from __future__ import annotations

from .cipher import SEAL_BYTES
from .errors import PayloadTooLarge, QueueFull
from .frames import LANES_MAX, MAX_DATA, MAX_DATA_FRAME, STREAM, STREAM_HEAD
from .lanes import ReceiveLane, SendLane
from .recovery import Sent, Span
from .session_config import SessionConfig

MESSAGES, BULK = 0, 1

SPAN_BYTES_MIN = 32
"""Smaller rests of a packet stay empty: a piece costs its receiver more than it carries."""

LEFT_EMPTY_BYTES_MAX = SPAN_BYTES_MIN + SEAL_BYTES
"""A packet with more room than this left has taken all that there was to send."""


class LaneSet:
    """Spread messages over lanes, fill packets from them, and give back messages from those that come."""

    __slots__ = ("_config", "_receiving", "_sending", "grant_due", "queued_bytes", "reading")

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._sending: list[SendLane | None] = [None] * LANES_MAX
        self._receiving: list[ReceiveLane | None] = [None] * LANES_MAX
        self.queued_bytes = 0
        """Bytes queued or under way and not acknowledged."""
        self.grant_due = False
        """A window is to be opened for the other side."""
        self.reading = True
        """Windows are opened as bytes come; see `read`."""

    @property
    def in_use(self) -> bool:
        """Tell whether a message ever went or came."""
        return any(lane is not None for lane in (*self._sending, *self._receiving))

    def add(self, message: bytes) -> None:
        """Queue a message; raises PayloadTooLarge, QueueFull."""
        size, config = len(message), self._config
        queued = self.queued_bytes
        if size > config.message_bytes_max:
            raise PayloadTooLarge("message", size, config.message_bytes_max)
        if queued and queued + size > config.send_buffer_bytes_max:
            raise QueueFull("the line to the peer", config.send_buffer_bytes_max)
        number = MESSAGES if size <= config.bulk_bytes else BULK
        (self._sending[number] or self._open(number)).add(message)
        self.queued_bytes = queued + size + 4

    def fill(self, parts: list[bytes | memoryview], room: int) -> list[Span]:
        """Add STREAM frames to a packet as far as there are bytes, room and windows; returns what they carry."""
        spans: list[Span] = []
        for lane in self._sending:
            while lane is not None and room >= SPAN_BYTES_MIN:
                span = lane.take(room - STREAM_HEAD.size)
                if span is None:
                    break
                number, offset, data = span
                size = len(data)
                parts.append(STREAM_HEAD.pack(STREAM, number, offset, size))
                parts.append(data)
                spans.append(span)
                room -= STREAM_HEAD.size + size
        return spans

    def arrived(self, packets: list[Sent]) -> None:
        """Take note of what packets were acknowledged."""
        for packet in packets:
            for _, _, data in packet.spans:
                self.queued_bytes -= len(data)

    def take_back(self, packets: list[Sent]) -> None:
        """Send again what lost packets carried."""
        for packet in packets:
            for span in packet.spans:
                lane = self._sending[span[0]]
                assert lane is not None, "what was sent has a lane"
                lane.take_back(span)
            if packet.grants:
                self._grant_again()

    def set_limit(self, number: int, limit: int) -> None:
        """Take in a MAX_DATA: the other side's window moved on."""
        lane = self._sending[number] or self._open(number)
        lane.limit = max(lane.limit, limit)

    def receive(self, number: int, offset: int, data: bytes, messages: list[bytes]) -> bool:
        """Take in the bytes of a STREAM frame, append the messages that are whole now.

        False when there is no room for the bytes now: they must be sent again. Raises DecodeError.
        """
        lane = self._receiving[number]
        if lane is None:
            config = self._config
            lane = self._receiving[number] = ReceiveLane(config.window_bytes, config.message_bytes_max)
        accepted = lane.receive(offset, data, messages)
        if self.reading and lane.offset >= lane.grant_at:
            self.grant_due = True
        return accepted

    def read(self, on: bool) -> None:
        """Open windows as bytes come, or open none: the other side then stops where its windows end."""
        self.reading = on
        due = any(lane is not None and lane.offset >= lane.grant_at for lane in self._receiving)
        self.grant_due = on and due

    def take_grants(self) -> list[bytes]:
        """Return the MAX_DATA frames that are due."""
        self.grant_due = False
        due = [
            (n, lane)
            for n, lane in enumerate(self._receiving)
            if lane is not None and lane.offset >= lane.grant_at
        ]
        return [MAX_DATA_FRAME.pack(MAX_DATA, number, lane.grant()) for number, lane in due]

    def _grant_again(self) -> None:
        for lane in self._receiving:
            if lane is not None:
                lane.grant_at = lane.offset
        self.grant_due = self.reading

    def _open(self, number: int) -> SendLane:
        lane = self._sending[number] = SendLane(number)
        return lane
