"""Sealing, opening, and keys that move on."""

from __future__ import annotations

import pytest

from mesh99.wire.cipher import (
    AHEAD_MAX,
    EPOCH_PACKETS_MAX,
    EPOCH_S_MAX,
    PREVIOUS_S,
    SEAL_BYTES,
    OpeningKey,
    SealingKey,
    next_secret,
    packet_key,
)
from mesh99.wire.crypto import REAL
from mesh99.wire.packet import DATA, DATA_HEADER, EPOCH_MASK

SECRET = bytes(range(32))


def pair(cipher: str = "chacha20poly1305") -> tuple[SealingKey, OpeningKey]:
    return SealingKey(SECRET, cipher, 77, REAL), OpeningKey(SECRET, cipher, REAL)


def counter_of(packet: bytes) -> int:
    return int(DATA_HEADER.unpack_from(packet)[2])


def opened(key: OpeningKey, packet: bytes, now: float = 0.0) -> bytes | None:
    return key.open(packet, counter_of(packet), now)


@pytest.mark.parametrize("cipher", ["chacha20poly1305", "aes256gcm"])
@pytest.mark.parametrize("size", [1, 200, 5000, 65_000])
def test_what_is_sealed_opens(cipher: str, size: int) -> None:
    sealing, opening = pair(cipher)
    for number in range(3):
        packet = sealing.seal(b"x" * size, 0.0)
        assert len(packet) == size + SEAL_BYTES
        assert DATA_HEADER.unpack_from(packet) == (DATA, 77, number)
        assert opened(opening, packet) == b"x" * size
        assert opening.open(memoryview(packet), number, 0.0) == b"x" * size


def test_every_bit_and_every_byte_counts() -> None:
    sealing, opening = pair()
    packet = sealing.seal(b"hello", 0.0)
    for bit in range(len(packet) * 8):
        forged = bytearray(packet)
        forged[bit // 8] ^= 1 << bit % 8
        assert opened(opening, bytes(forged)) is None
    for size in range(SEAL_BYTES, len(packet)):
        assert opened(opening, packet[:size]) is None
    assert opened(opening, packet) == b"hello"


def test_the_same_frames_are_never_sealed_alike() -> None:
    sealing, _ = pair()
    assert sealing.seal(b"hello", 0.0)[DATA_HEADER.size :] != sealing.seal(b"hello", 0.0)[DATA_HEADER.size :]


def test_secrets_go_one_way_and_keys_are_not_secrets() -> None:
    assert len({SECRET, next_secret(SECRET), packet_key(SECRET), packet_key(next_secret(SECRET))}) == 4


def test_the_epoch_changes_with_time() -> None:
    sealing, opening = pair()
    before = sealing.seal(b"a", 1000.0)
    same = sealing.seal(b"b", 1000.0 + EPOCH_S_MAX - 1)
    after = sealing.seal(b"c", 1000.0 + EPOCH_S_MAX)
    assert [packet[0] for packet in (before, same, after)] == [DATA, DATA, DATA | 1]
    assert [opened(opening, packet) for packet in (before, after)] == [b"a", b"c"]
    assert opened(opening, same) == b"b", "late, but within the grace"


def test_the_epoch_changes_with_the_count() -> None:
    sealing, opening = pair()
    sealing.seal(b"a", 0.0)
    sealing.counter = EPOCH_PACKETS_MAX - 1
    assert sealing.seal(b"b", 0.0)[0] == DATA
    packet = sealing.seal(b"c", 0.0)
    assert packet[0] == DATA | 1
    assert opened(opening, packet) == b"c"


def test_the_epoch_before_closes_after_a_while() -> None:
    sealing, opening = pair()
    late = [sealing.seal(b"late", 0.0) for _ in range(2)]
    newer = sealing.seal(b"newer", EPOCH_S_MAX)
    assert opened(opening, newer, EPOCH_S_MAX) == b"newer"
    assert opened(opening, late[0], EPOCH_S_MAX + PREVIOUS_S) == b"late"
    assert opened(opening, late[1], EPOCH_S_MAX + PREVIOUS_S + 0.1) is None


def test_epochs_may_be_missed_but_not_many() -> None:
    sealing, opening = pair()
    packets = [sealing.seal(b"%d" % epoch, epoch * EPOCH_S_MAX) for epoch in range(AHEAD_MAX + 2)]
    assert opened(opening, packets[AHEAD_MAX + 1]) is None
    assert opened(opening, packets[AHEAD_MAX]) == b"%d" % AHEAD_MAX
    assert opened(opening, packets[AHEAD_MAX - 1]) == b"%d" % (AHEAD_MAX - 1)
    assert opened(opening, packets[0]) is None
    assert opened(opening, packets[AHEAD_MAX + 1]) == b"%d" % (AHEAD_MAX + 1)


def test_epochs_are_counted_beyond_32() -> None:
    sealing, opening = pair()
    for epoch in range(70):
        packet = sealing.seal(b"x", epoch * EPOCH_S_MAX)
        assert packet[0] == DATA | epoch & EPOCH_MASK
        assert opened(opening, packet, epoch * EPOCH_S_MAX) == b"x"


def test_a_forged_epoch_moves_nothing() -> None:
    sealing, opening = pair()
    packet = sealing.seal(b"x", 0.0)
    for epoch in range(1, 32):
        assert opened(opening, bytes((DATA | epoch,)) + packet[1:]) is None
    assert opened(opening, packet) == b"x"


def test_after_a_rest_it_goes_on() -> None:
    sealing, opening = pair()
    assert opened(opening, sealing.seal(b"a", 0.0)) == b"a"
    sealing.rest()
    opening.rest()
    assert opened(opening, sealing.seal(b"b", 1.0)) == b"b"
    sealing.rest()
    packet = sealing.seal(b"c", EPOCH_S_MAX)
    assert packet[0] == DATA | 1
    assert opened(opening, packet) == b"c"
