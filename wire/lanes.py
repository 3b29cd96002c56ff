"""A lane: reliable, ordered bytes in one direction each, cut into messages behind a u32 length.

The send side cuts what is queued to the size of packets, and takes back what was lost. The receive side puts bytes in
order, within a bounded window, and messages together. Both count in bytes since the session began.
"""

from __future__ import annotations

import struct
from bisect import insort
from collections import deque

from .errors import DecodeError
from .frames import LANE_CREDIT_BYTES
from .recovery import Span

LENGTH = struct.Struct(">I")

COPY_BYTES_MAX = 16 * 1024
"""Up to here a message is copied behind its length, which is one part to send instead of two."""

EARLY_PIECES_MAX = 8192
"""Pieces kept ahead of a gap; a full window of 1200-byte packets is 3600. Tiny ones cost more than their bytes."""


class SendLane:
    """Queue messages and give out their bytes."""

    __slots__ = ("_again", "_parts", "limit", "number", "offset", "queued_bytes")

    def __init__(self, number: int) -> None:
        self.number = number
        self._parts: deque[bytes | memoryview] = deque()
        self._again: list[Span] = []
        """Lost bytes, the first to go at the end."""
        self.offset = 0
        """Where the next new byte goes."""
        self.limit = LANE_CREDIT_BYTES
        """Where the other side's window ends."""
        self.queued_bytes = 0
        """New bytes not yet given out."""

    def add(self, message: bytes) -> None:
        """Queue one message."""
        size = len(message)
        if size <= COPY_BYTES_MAX:
            self._parts.append(LENGTH.pack(size) + message)
        else:
            self._parts.append(LENGTH.pack(size))
            self._parts.append(memoryview(message))
        self.queued_bytes += size + 4

    def take_back(self, span: Span) -> None:
        """Take back bytes that did not arrive; the earliest of all goes out first."""
        insort(self._again, span, key=_behind)

    def take(self, room: int) -> Span | None:
        """Give out at most `room` bytes: lost ones first, then new ones within the window; None when there are none."""
        if self._again:
            return self._take_again(room)
        queued = self.queued_bytes
        room = min(room, self.limit - self.offset)
        if room <= 0 or not queued:
            return None
        parts = self._parts
        data: bytes | memoryview
        if queued <= room:
            data = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            size = queued
        else:
            data = self._cut(room)
            size = room
        offset = self.offset
        self.offset = offset + size
        self.queued_bytes = queued - size
        return self.number, offset, data

    def _cut(self, room: int) -> bytes | memoryview:
        """Take exactly `room` bytes off the front; more than that is queued."""
        parts = self._parts
        pieces: list[bytes | memoryview] = []
        while room:
            part = parts[0]
            size = len(part)
            if size > room:
                view = memoryview(part)
                pieces.append(view[:room])
                parts[0] = view[room:]
                break
            pieces.append(part)
            parts.popleft()
            room -= size
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _take_again(self, room: int) -> Span:
        number, offset, data = self._again.pop()
        if len(data) <= room:
            return number, offset, data
        view = memoryview(data)
        self._again.append((number, offset + room, view[room:]))
        return number, offset, view[:room]


def _behind(span: Span) -> int:
    return -span[1]


class ReceiveLane:
    """Put bytes in order and messages together."""

    __slots__ = (
        "_early",
        "_early_bytes",
        "_message",
        "_message_bytes_max",
        "_missing",
        "_window",
        "grant_at",
        "granted",
        "offset",
    )

    def __init__(self, window: int, message_bytes_max: int) -> None:
        self._window = window
        self._message_bytes_max = message_bytes_max
        self.offset = 0
        """Everything before this arrived."""
        self.granted = LANE_CREDIT_BYTES
        """How far the other side may go."""
        self.grant_at = LANE_CREDIT_BYTES // 2
        """The offset from which on the other side should be told that it may go further."""
        self._early: dict[int, bytes] = {}
        self._early_bytes = 0
        self._message: list[bytes] = []
        self._missing = 0
        """Bytes that the message under way still lacks; its head may be cut too, then `_message` holds the head."""

    def grant(self) -> int:
        """Open the window and return its new end."""
        self.grant_at = self.offset + self._window // 4
        self.granted = max(self.granted, self.offset + self._window)
        return self.granted

    def receive(self, offset: int, data: bytes, messages: list[bytes]) -> bool:
        """Take in bytes and append the messages that are whole now.

        False when there is no room for them now: they must be sent again. Raises DecodeError for what breaks the rules.
        """
        expected = self.offset
        if offset == expected and not self._early:
            if offset + len(data) > self.granted:
                raise DecodeError("lane", "beyond the window", 0)
            self._feed(data, messages)
            return True
        end = offset + len(data)
        if end > self.granted:
            raise DecodeError("lane", "beyond the window", 0)
        if end <= expected:
            return True
        if offset > expected:
            return self._keep_early(offset, data)
        self._feed(data[expected - offset :], messages)
        while self._early:
            piece = self._next_early()
            if not piece:
                break
            self._feed(piece, messages)
        return True

    def _keep_early(self, offset: int, data: bytes) -> bool:
        """Overlapping pieces may be kept twice, within bounds on their number and bytes."""
        known = self._early.get(offset)
        known_bytes = 0 if known is None else len(known)
        if len(data) <= known_bytes:
            return True
        grown = self._early_bytes + len(data) - known_bytes
        if grown > 2 * self._window or (known is None and len(self._early) >= EARLY_PIECES_MAX):
            return False
        self._early_bytes = grown
        self._early[offset] = data
        return True

    def _next_early(self) -> bytes:
        data = self._early.pop(self.offset, None)
        if data is not None:
            self._early_bytes -= len(data)
            return data
        for start in [start for start in self._early if start < self.offset]:
            piece = self._early.pop(start)
            self._early_bytes -= len(piece)
            if start + len(piece) > self.offset:
                return piece[self.offset - start :]
        return b""

    def _feed(self, data: bytes, messages: list[bytes]) -> None:
        size = len(data)
        self.offset += size
        position = self._continue(data, messages) if self._message or self._missing else 0
        unpack, append, most = LENGTH.unpack_from, messages.append, self._message_bytes_max
        while position + 4 <= size:
            (length,) = unpack(data, position)
            if length > most:
                raise DecodeError("lane", "message over the limit", position)
            start = position + 4
            position = start + length
            if position > size:
                self._message = [data[start:]] if start < size else []
                self._missing = position - size
                return
            append(data[start:position])
        if position < size:
            self._message = [data[position:]]
            self._missing = 0

    def _continue(self, data: bytes, messages: list[bytes]) -> int:
        """Go on with the message under way; returns where the next begins."""
        if not self._missing:
            return self._continue_head(data, messages)
        taken = min(self._missing, len(data))
        self._message.append(data if taken == len(data) else data[:taken])
        self._missing -= taken
        if not self._missing:
            messages.append(b"".join(self._message))
            self._message = []
        return taken

    def _continue_head(self, data: bytes, messages: list[bytes]) -> int:
        head = b"".join(self._message)
        taken = min(4 - len(head), len(data))
        head += data[:taken]
        if len(head) < 4:
            self._message = [head]
            return taken
        (length,) = LENGTH.unpack(head)
        if length > self._message_bytes_max:
            raise DecodeError("lane", "message over the limit", 0)
        self._message = []
        if length == 0:
            messages.append(b"")
            return taken
        self._missing = length
        return taken + self._continue(data[taken:], messages) if taken < len(data) else taken
