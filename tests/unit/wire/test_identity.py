"""Ids and keys: text forms, distance, what follows from a seed."""

from __future__ import annotations

import pytest

from mesh99.wire.errors import ConfigError
from mesh99.wire.identity import Identity, NodeId, PublicKey

ONE, TWO = Identity(b"\x01" * 32), Identity(b"\x02" * 32)


def test_the_same_seed_is_the_same_node() -> None:
    again = Identity(b"\x01" * 32)
    assert again.public_key == ONE.public_key
    assert again.node_id == ONE.node_id
    assert again.exchange_public == ONE.exchange_public
    assert again.sign(b"x") == ONE.sign(b"x")
    assert ONE.node_id != TWO.node_id


def test_generate_takes_32_bytes_of_entropy() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return b"\x01" * size

    assert Identity.generate(entropy).node_id == ONE.node_id
    assert asked == [32]


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Identity(bytes(size))


def test_text_round_trip() -> None:
    text = ONE.node_id.text
    assert len(text) == 52
    assert text == text.lower()
    assert NodeId.parse(text) == ONE.node_id
    assert NodeId.parse(f" {text.upper()} ") == ONE.node_id
    assert str(ONE.node_id) == text
    assert ONE.node_id.short == text[:8]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a" * 51,
        "a" * 53,
        "a" * 48,
        "a" * 56,
        "0" * 52,
        "a" * 51 + "b",
        "a" * 51 + "=",
        "ä" * 52,
        "a" * 26 + " " + "a" * 25,
    ],
)
def test_what_is_no_id_is_named(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        NodeId.parse(text)
    assert caught.value.field == "node id"
    assert caught.value.hint


def test_distance_is_xor() -> None:
    assert ONE.node_id.distance(ONE.node_id) == 0
    assert ONE.node_id.distance(TWO.node_id) == ONE.node_id.number ^ TWO.node_id.number
    assert NodeId(bytes(31) + b"\x01").distance(bytes(31) + b"\x03") == 2


def test_the_lowest_id_of_a_short_form_begins_with_it() -> None:
    lowest = NodeId.lowest_with_short(ONE.node_id.short)
    assert lowest.short == ONE.node_id.short
    assert lowest.number <= ONE.node_id.number
    assert lowest.number & ((1 << 216) - 1) == 0


def test_an_id_is_the_hash_of_the_key_whatever_its_type() -> None:
    assert NodeId.of(bytes(ONE.public_key)) == NodeId.of(PublicKey(ONE.public_key)) == ONE.public_key.node_id
    assert ONE.public_key.node_id is ONE.public_key.node_id


def test_derived_secrets_differ_by_label_and_identity() -> None:
    assert ONE.derive("reset") == ONE.derive("reset")
    assert len({ONE.derive("reset"), ONE.derive("other"), TWO.derive("reset"), ONE.seed}) == 4


def test_secrets_do_not_show_in_texts() -> None:
    shown = f"{ONE!r} {ONE} {ONE.public_key!r} {ONE.node_id!r}"
    assert ONE.seed.hex() not in shown
    assert ONE.exchange_private.hex() not in shown
    assert ONE.node_id.short in shown
