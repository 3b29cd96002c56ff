"""Frames: what is written is read, and nothing else."""

from __future__ import annotations

import pytest

from mesh99.wire import frames
from mesh99.wire.errors import DecodeError
from mesh99.wire.frames import Ack, Close, Frame, MaxData, Nat, Relayed, Rpc, Stream, Token, decode

TOKEN = b"12345678"

ENCODED: list[tuple[bytes, Frame]] = [
    (frames.TOKEN_FRAME.pack(frames.PING, TOKEN), Token(frames.PING, TOKEN)),
    (frames.TOKEN_FRAME.pack(frames.PONG, TOKEN), Token(frames.PONG, TOKEN)),
    (frames.TOKEN_FRAME.pack(frames.PATH_CHALLENGE, TOKEN), Token(frames.PATH_CHALLENGE, TOKEN)),
    (frames.TOKEN_FRAME.pack(frames.PATH_RESPONSE, TOKEN), Token(frames.PATH_RESPONSE, TOKEN)),
    (frames.encode_ack(0.0123, [(4, 9)]), Ack(pytest.approx(0.0123, abs=1e-4), [(4, 9)])),
    (frames.encode_ack(0.0, [(0, 0), (2, 5), (9, 9)]), Ack(0.0, [(9, 9), (2, 5), (0, 0)])),
    (frames.RPC_HEAD.pack(frames.RPC, 3) + b"abc", Rpc(b"abc")),
    (frames.STREAM_HEAD.pack(frames.STREAM, 1, 7, 2) + b"xy", Stream(1, 7, b"xy")),
    (frames.MAX_DATA_FRAME.pack(frames.MAX_DATA, 1, 99), MaxData(1, 99)),
    (frames.encode_close("done"), Close("done")),
    (frames.RELAYED_HEAD.pack(frames.RELAYED, 7, 2) + b"xy", Relayed(7, b"xy")),
    (frames.RPC_HEAD.pack(frames.NAT, 2) + b"ab", Nat(b"ab")),
]


@pytest.mark.parametrize(("data", "frame"), ENCODED)
def test_each_frame_is_read_back(data: bytes, frame: Frame) -> None:
    assert decode(data) == [frame]


def test_frames_stand_back_to_back_and_padding_ends_them() -> None:
    together = b"".join(data for data, _ in ENCODED)
    assert decode(together) == [frame for _, frame in ENCODED]
    assert decode(together + b"\x00" + b"\xff" * 100) == [frame for _, frame in ENCODED]


@pytest.mark.parametrize(("data", "frame"), ENCODED)
def test_each_frame_cut_short_is_refused(data: bytes, frame: Frame) -> None:
    for size in range(1, len(data)):
        with pytest.raises(DecodeError):
            decode(data[:size])


@pytest.mark.parametrize(
    "data",
    [
        b"\x0c",
        frames.RELAYED_HEAD.pack(frames.RELAYED, 0, 1161) + bytes(1161),
        b"\xff",
        frames.STREAM_HEAD.pack(frames.STREAM, frames.LANES_MAX, 0, 1) + b"x",
        frames.STREAM_HEAD.pack(frames.STREAM, 0, 0, 0),
        frames.STREAM_HEAD.pack(frames.STREAM, 0, (1 << 63) - 1, 1) + b"x",
        frames.MAX_DATA_FRAME.pack(frames.MAX_DATA, frames.LANES_MAX, 0),
        frames.ACK_HEAD.pack(frames.ACK, 0, 0),
        frames.ACK_HEAD.pack(frames.ACK, 0, 17) + frames.ACK_RANGE.pack(0, 0) * 17,
        frames.ACK_HEAD.pack(frames.ACK, 0, 1) + frames.ACK_RANGE.pack(5, 4),
        frames.ACK_HEAD.pack(frames.ACK, 0, 2) + frames.ACK_RANGE.pack(5, 9) + frames.ACK_RANGE.pack(3, 5),
        frames.RPC_HEAD.pack(frames.RPC, frames.RPC_BYTES_MAX + 1) + bytes(frames.RPC_BYTES_MAX + 1),
        frames.CLOSE_HEAD.pack(frames.CLOSE, 2) + b"\x1b[",
        frames.CLOSE_HEAD.pack(frames.CLOSE, 65) + b"a" * 65,
        frames.TOKEN_FRAME.pack(frames.PING, TOKEN) * (frames.FRAMES_MAX + 1),
    ],
)
def test_what_makes_no_sense_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data)


def test_an_ack_names_the_newest_ranges() -> None:
    ranges = [(n * 10, n * 10 + 3) for n in range(40)]
    (ack,) = decode(frames.encode_ack(0.0, ranges))
    assert isinstance(ack, Ack)
    assert ack.ranges == ranges[::-1][: frames.ACK_RANGES_MAX]


def test_a_long_delay_is_written_as_the_longest() -> None:
    (ack,) = decode(frames.encode_ack(1e6, [(1, 1)]))
    assert isinstance(ack, Ack)
    assert ack.delay_s == pytest.approx(6.5535)


def test_a_reason_is_cut_and_cleaned() -> None:
    assert decode(frames.encode_close("x" * 200)) == [Close("x" * frames.REASON_BYTES_MAX)]
    assert decode(frames.encode_close("a\x1b[31m\nü")) == [Close("a[31m?")]
