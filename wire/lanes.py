"""A lane: reliable, ordered bytes in one direction each, cut into messages behind a u32 length.

The send side cuts what is queued to the size of packets, and takes back what was lost. The receive side puts bytes in
order, within a bounded window, and messages together. Both count in bytes since the session began.
"""

from __future__ import annotations

import struct
from collections import deque

from .errors import DecodeError
from .recovery import Span

LENGTH = struct.Struct(">I")

COPY_BYTES_MAX = 16 * 1024
"""Up to here a message is copied behind its length, which is one part to send instead of two."""


class SendLane:
    """Queue messages and give out their bytes."""

    __slots__ = ("_again", "_parts", "limit", "offset", "queued_bytes")

    def __init__(self, limit: int) -> None:
        self._parts: deque[bytes | memoryview] = deque()
        self._again: deque[Span] = deque()
        self.offset = 0
        """Where the next new byte goes."""
        self.limit = limit
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

    def lost(self, span: Span) -> None:
        """Take back bytes that did not arrive."""
        self._again.append(span)

    @property
    def has_data(self) -> bool:
        """Tell whether something may be given out now."""
        return bool(self._again) or (self.queued_bytes > 0 and self.offset < self.limit)

    def take(self, room: int) -> tuple[int, list[bytes | memoryview], int] | None:
        """Give out at most `room` bytes as (offset, parts, size): lost ones first, then new ones within the window."""
        if self._again:
            return self._take_again(room)
        room = min(room, self.limit - self.offset)
        if room <= 0 or not self.queued_bytes:
            return None
        pieces, size = self._cut(room)
        offset = self.offset
        self.offset += size
        self.queued_bytes -= size
        return offset, pieces, size

    def _cut(self, room: int) -> tuple[list[bytes | memoryview], int]:
        parts = self._parts
        if self.queued_bytes <= room:
            pieces = list(parts)
            parts.clear()
            return pieces, self.queued_bytes
        pieces = []
        left = room
        while left:
            part = parts[0]
            size = len(part)
            if size > left:
                view = memoryview(part)
                pieces.append(view[:left])
                parts[0] = view[left:]
                return pieces, room
            pieces.append(part)
            parts.popleft()
            left -= size
        return pieces, room

    def _take_again(self, room: int) -> tuple[int, list[bytes | memoryview], int]:
        span = self._again.popleft()
        size = len(span.data)
        if size <= room:
            return span.offset, [span.data], size
        view = memoryview(span.data)
        self._again.appendleft(Span(span.lane, span.offset + room, view[room:]))
        return span.offset, [view[:room]], room


class ReceiveLane:
    """Put bytes in order and messages together."""

    __slots__ = ("_early", "_early_bytes", "_message", "_missing", "_say_again", "_window", "granted", "message_bytes_max", "offset")

    def __init__(self, window: int, message_bytes_max: int) -> None:
        self._window = window
        self.message_bytes_max = message_bytes_max
        self.offset = 0
        """Everything before this arrived."""
        self.granted = window
        """How far the other side was told that it may go."""
        self._say_again = False
        self._early: dict[int, bytes] = {}
        self._early_bytes = 0
        self._message: list[bytes] = []
        self._missing = 0
        """Bytes that the message under way still lacks; its head may be cut too, then `_message` holds the head."""

    @property
    def grant_due(self) -> bool:
        """Tell whether the window has moved enough to say so."""
        return self._say_again or self.offset + self._window - self.granted >= self._window // 4

    def grant(self) -> int:
        """Open the window and return its new end."""
        self._say_again = False
        self.granted = self.offset + self._window
        return self.granted

    def granted_again(self) -> None:
        """Say the window's end once more: the packet that said it was lost."""
        self._say_again = True

    def receive(self, offset: int, data: bytes, messages: list[bytes]) -> None:
        """Take in bytes and append the messages that are whole now; raises DecodeError for what breaks the rules."""
        end = offset + len(data)
        if end > self.granted:
            raise DecodeError("lane", "beyond the window", 0)
        if end <= self.offset:
            return
        if offset > self.offset:
            self._keep_early(offset, data)
            return
        self._feed(data if offset == self.offset else data[self.offset - offset :], messages)
        while self._early:
            data = self._next_early()
            if not data:
                return
            self._feed(data, messages)

    def _keep_early(self, offset: int, data: bytes) -> None:
        """Overlapping pieces may be kept twice; bounded because each must lie within the window and be a new start."""
        known = self._early.get(offset)
        if known is not None and len(known) >= len(data):
            return
        self._early_bytes += len(data) - (len(known) if known is not None else 0)
        if self._early_bytes > 2 * self._window:
            raise DecodeError("lane", "more pieces than the window holds", 0)
        self._early[offset] = data

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
        self.offset += len(data)
        position = self._continue(data, messages) if self._message or self._missing else 0
        size = len(data)
        unpack, append, most = LENGTH.unpack_from, messages.append, self.message_bytes_max
        while position + 4 <= size:
            (length,) = unpack(data, position)
            start = position + 4
            position = start + length
            if position > size:
                if length > most:
                    raise DecodeError("lane", "message over the limit", start)
                self._message = [data[start:]] if start < size else []
                self._missing = position - size
                return
            if length > most:
                raise DecodeError("lane", "message over the limit", start)
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
        if length > self.message_bytes_max:
            raise DecodeError("lane", "message over the limit", 0)
        self._message = []
        if length == 0:
            messages.append(b"")
            return taken
        self._missing = length
        return taken + self._continue(data[taken:], messages) if taken < len(data) else taken
