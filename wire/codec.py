"""Read bytes from strangers: bounded, and failing in one way only (DecodeError).

Structures on the wire are MessagePack arrays of numbers, texts, byte strings and further arrays; maps and extensions
are refused. The limits keep what a few bytes can make the parser allocate below a megabyte.
"""

from __future__ import annotations

import msgpack  # type: ignore[import-untyped]
from msgspec.msgpack import Encoder

from .errors import DecodeError

BYTES_MAX = 2048
"""Longest structure: each of ours rides in one datagram."""

ITEMS_MAX = 64
"""Longest array; the parser makes room for as many as a header announces."""

DEPTH_MAX = 4
"""Deepest nesting; nothing of ours needs more than three."""


class Reader:
    """Read fixed-size parts off the front of some bytes."""

    __slots__ = ("data", "offset", "what")

    def __init__(self, data: bytes | memoryview, what: str, offset: int = 0) -> None:
        self.data = data
        self.what = what
        self.offset = offset

    def take(self, size: int) -> bytes:
        """Return the next bytes; raises DecodeError when there are fewer."""
        end = self.offset + size
        if end > len(self.data):
            raise DecodeError(self.what, "too short", self.offset)
        taken = bytes(self.data[self.offset : end])
        self.offset = end
        return taken

    def number(self, size: int) -> int:
        """Return the next bytes as an unsigned big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self.data) - self.offset)

    def end(self) -> None:
        """Raise DecodeError unless everything was read."""
        if self.offset != len(self.data):
            raise DecodeError(self.what, "too long", self.offset)


pack = Encoder(enc_hook=bytes).encode
"""Return the MessagePack form of a value; keys and ids, which are byte strings with a name, travel as such."""


def unpack(data: bytes | memoryview, what: str) -> object:
    """Read one MessagePack value that takes all the bytes; raises DecodeError."""
    size = len(data)
    if size > BYTES_MAX:
        raise DecodeError(what, "too long", BYTES_MAX)
    try:
        value: object = msgpack.unpackb(
            data,
            max_str_len=size,
            max_bin_len=size,
            max_array_len=ITEMS_MAX,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException):
        raise DecodeError(what, "not the MessagePack that is spoken here") from None
    if not _is_plain(value, DEPTH_MAX):
        raise DecodeError(what, "nested too deeply, or of a type not spoken here")
    return value


def _is_plain(value: object, depth_left: int) -> bool:
    if type(value) is list:
        return depth_left > 0 and all(
            type(item) is bytes or _is_plain(item, depth_left - 1) for item in value
        )
    return value is None or type(value) in (bytes, str, int, bool, float)
