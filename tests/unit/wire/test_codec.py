"""The bounded reader and MessagePack within limits."""

from __future__ import annotations

import tracemalloc

import pytest

from mesh99.wire.codec import BYTES_MAX, ITEMS_MAX, Reader, pack, unpack
from mesh99.wire.errors import DecodeError


def test_reader_takes_parts_and_knows_where_it_is() -> None:
    reader = Reader(memoryview(b"\x01\x02\x03rest"), "thing")
    assert reader.number(1) == 1
    assert reader.number(2) == 0x0203
    assert reader.offset == 3
    with pytest.raises(DecodeError) as caught:
        reader.end()
    assert (caught.value.what, caught.value.offset) == ("thing", 3)
    assert reader.rest() == b"rest"
    reader.end()
    assert reader.take(0) == b""
    with pytest.raises(DecodeError, match="too short"):
        reader.take(1)


@pytest.mark.parametrize(
    "value", [0, -1, 2**64 - 1, b"", b"x" * 100, "ä", True, None, 1.5, [], [1, [b"", ["x", [0]]]]]
)
def test_values_survive(value: object) -> None:
    assert unpack(pack(value), "thing") == value
    assert unpack(memoryview(pack(value)), "thing") == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",  # a type that does not exist
        b"\x01\x02",  # bytes left over
        b"\x80",  # a map
        b"\x81\x01\x02",
        b"\xd4\x01\x00",  # extensions
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xc7\x00\x05",
        b"\xa1\xff",  # no UTF-8
        b"\xc4\xff",  # announced, not there
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 5 + b"\x01",  # deep
        b"\x91" * 1500 + b"\x01",
        b"\x91" * BYTES_MAX,
        pack(bytes(BYTES_MAX)),  # long
        pack([0] * (ITEMS_MAX + 1)),
    ],
)
def test_everything_else_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        unpack(data, "thing")


def test_a_few_bytes_cannot_make_the_parser_allocate_much() -> None:
    bomb = (b"\xdc\x00" + bytes((ITEMS_MAX,))) * (BYTES_MAX // 3)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            unpack(bomb, "bomb")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
