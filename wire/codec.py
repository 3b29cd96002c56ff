"""Read bytes from strangers: bounded, and failing in one way only (DecodeError)."""

from __future__ import annotations

import msgpack

from .errors import DecodeError

DEPTH_MAX = 4
"""Nesting of any structure on the wire; nothing of ours needs more than three."""


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


def pack(value: object) -> bytes:
    """Return the MessagePack form."""
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(data: bytes | memoryview, what: str) -> object:
    """Read one MessagePack value that takes all the bytes; raises DecodeError."""
    size = len(data)
    try:
        value = msgpack.unpackb(
            data,
            max_str_len=size,
            max_bin_len=size,
            max_array_len=size,
            max_map_len=size,
            max_ext_len=0,
            strict_map_key=True,
        )
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise DecodeError(what, f"not MessagePack ({type(error).__name__})") from None
    _check_depth(value, DEPTH_MAX, what)
    return value


def _check_depth(value: object, left: int, what: str) -> None:
    if isinstance(value, list):
        children = value
    elif isinstance(value, dict):
        children = list(value.values())
    else:
        return
    if not left:
        raise DecodeError(what, "nested too deeply")
    for child in children:
        _check_depth(child, left - 1, what)
