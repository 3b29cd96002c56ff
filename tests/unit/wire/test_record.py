"""Signed records: what the signature covers, and limits."""

from __future__ import annotations

import dataclasses

import pytest

from mesh99.wire.errors import DecodeError, PayloadTooLarge
from mesh99.wire.identity import Identity
from mesh99.wire.record import (
    LABEL,
    RECORD_BYTES_MAX,
    VALUE_BYTES_MAX,
    Record,
    capability_key,
    name_key,
    node_key,
    value_key,
)

ONE, TWO = Identity(b"\x01" * 32), Identity(b"\x02" * 32)
KEY = value_key("colour")
RECORD = Record.create(ONE, KEY, b"blue", sequence=3, ttl_s=3600)


def test_bytes_round_trip() -> None:
    encoded = RECORD.encode()
    again = Record.decode(encoded)
    assert again == RECORD
    assert hash(again) == hash(RECORD)
    assert again.encode() == encoded
    assert again.verify()
    assert again.owner.node_id == ONE.node_id
    assert Record.decode(memoryview(encoded)) == RECORD


@pytest.mark.parametrize(
    "change",
    [
        {"key": value_key("color")},
        {"owner": TWO.public_key},
        {"sequence": 4},
        {"ttl_s": 3601},
        {"value": b"red"},
        {"value": b"blue\x00"},
        {"value": b""},
        {"signature": bytes(64)},
        {"signature": RECORD.signature[:-1]},
        {"signature": b""},
    ],
)
def test_the_signature_covers_every_field(change: dict[str, object]) -> None:
    assert not dataclasses.replace(RECORD, **change).verify()


def test_every_flipped_bit_is_refused_or_does_not_verify() -> None:
    encoded = RECORD.encode()
    for position in range(len(encoded) * 8):
        damaged = bytearray(encoded)
        damaged[position // 8] ^= 1 << position % 8
        try:
            assert not Record.decode(damaged).verify()
        except DecodeError:
            continue


def test_every_other_length_is_refused() -> None:
    encoded = RECORD.encode()
    for end in range(len(encoded)):
        with pytest.raises(DecodeError):
            Record.decode(encoded[:end])
    with pytest.raises(DecodeError):
        Record.decode(encoded + b"\x00")
    with pytest.raises(DecodeError, match="too long"):
        Record.decode(bytes(RECORD_BYTES_MAX + 1))


def test_the_signature_is_made_for_records_only() -> None:
    unsigned = RECORD.encode()[:-64]
    assert ONE.crypto.verify(ONE.public_key, RECORD.signature, LABEL + unsigned)
    assert not ONE.crypto.verify(ONE.public_key, RECORD.signature, unsigned)


def test_the_longest_value_fits_and_one_more_does_not() -> None:
    record = Record.create(ONE, KEY, bytes(VALUE_BYTES_MAX), sequence=2**64 - 1, ttl_s=2**32 - 1)
    assert len(record.encode()) == RECORD_BYTES_MAX
    assert Record.decode(record.encode()).verify()
    with pytest.raises(PayloadTooLarge) as caught:
        Record.create(ONE, KEY, bytes(VALUE_BYTES_MAX + 1), sequence=1, ttl_s=1)
    assert caught.value.size_bytes_max == VALUE_BYTES_MAX


@pytest.mark.parametrize(
    ("key", "sequence", "ttl_s"),
    [(b"short", 1, 1), (bytes(33), 1, 1), (KEY, -1, 1), (KEY, 2**64, 1), (KEY, 1, 2**32)],
)
def test_a_wrong_key_or_number_is_never_signed(key: bytes, sequence: int, ttl_s: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Record.create(ONE, key, b"", sequence=sequence, ttl_s=ttl_s)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORD.value = b"red"  # type: ignore[misc]


def test_an_empty_value_is_a_signed_tombstone() -> None:
    assert Record.decode(Record.create(ONE, KEY, b"", sequence=9, ttl_s=60).encode()).verify()


def test_kinds_of_keys_never_meet() -> None:
    text = ONE.node_id.text
    assert len({node_key(ONE.node_id), name_key(text), capability_key(text), value_key(text)}) == 4
    assert node_key(ONE.node_id) == ONE.node_id
    assert capability_key("Summarize") == capability_key("summarize")
    assert name_key("Writer") != name_key("writer")
    assert len(value_key("")) == 32
