"""Messages in a TCP stream: each says its own length; ChannelData is padded to a multiple of four (RFC 8656, 12.5)."""

from __future__ import annotations

from ..stun.message import HEADER_BYTES, MESSAGE_BYTES_MAX

CHANNEL_HEADER_BYTES = 4


class StreamSplitter:
    """Cut the bytes of one connection into STUN messages and ChannelData; `broken` when they are neither."""

    __slots__ = ("_pending", "broken")

    def __init__(self) -> None:
        self._pending = b""
        self.broken = False

    def receive(self, data: bytes) -> list[bytes]:
        """Take what came; returns the messages that are complete now, without padding."""
        pending, start, messages = self._pending + data, 0, []
        while not self.broken and len(pending) - start >= CHANNEL_HEADER_BYTES:
            size_bytes = self._size_bytes(pending, start)
            end = start + size_bytes + -size_bytes % 4
            if self.broken or end > len(pending):
                break
            messages.append(pending[start : start + size_bytes])
            start = end
        self._pending = b"" if self.broken else pending[start:]
        return messages

    def _size_bytes(self, pending: bytes, start: int) -> int:
        """Return the size of the message that begins there; too long a one breaks the stream."""
        kind, length = pending[start] >> 6, int.from_bytes(pending[start + 2 : start + 4], "big")
        size_bytes = length + (HEADER_BYTES if kind == 0 else CHANNEL_HEADER_BYTES)
        self.broken = kind > 1 or size_bytes > MESSAGE_BYTES_MAX
        return size_bytes


def padded(message: bytes) -> bytes:
    """Return a message as a stream carries it."""
    return message + bytes(-len(message) % 4)
