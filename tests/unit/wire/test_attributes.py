"""Attributes: what is allowed, what a refusal says, and what old and strange bytes are read as."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.wire.attributes import checked, flat, unflat
from mesh99.wire.codec import pack, unpack
from mesh99.wire.errors import ConfigError, DecodeError
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord
from mesh99.wire.record import VALUE_BYTES_MAX, Record, capability_key

ONE = Identity(b"\1" * 32)
KEY = capability_key("translate")
GOOD = {"load": 0.25, "region": "eu", "tags": ("de", "fr"), "version": "2.1"}


def test_attributes_are_published_in_one_form() -> None:
    given = {"version": 2.1, "tags": {"fr", "de"}, "region": "eu", "load": 0.25}
    assert checked(given) == GOOD
    assert list(checked(given)) == sorted(given)
    assert checked({"version": 3}) == {"version": "3"}
    assert flat(GOOD) == ["load", 0.25, "region", "eu", "tags", ("de", "fr"), "version", "2.1"]


@pytest.mark.parametrize(
    ("attributes", "field", "words"),
    [
        ({"Region": "eu"}, "attribute", "'Region' is no name"),
        ({"a" * 33: 1}, "attribute", "up to 32"),
        ({"version": "two"}, "version", "no dotted number"),
        ({"version": True}, "version", "no dotted number"),
        ({"load": 1.5}, "load", "from 0"),
        ({"load": float("nan")}, "load", "from 0"),
        ({"load": "0.5"}, "load", "from 0"),
        ({"gpus": float("inf")}, "gpus", "limit"),
        ({"gpus": 2**60}, "gpus", "limit"),
        ({"region": ""}, "region", "1 to 64 bytes"),
        ({"region": "e\x1bu"}, "region", "printed"),
        ({"region": "\ud800"}, "region", "printed"),
        ({"region": None}, "region", "no text, number or list"),
        ({"public": True}, "public", "no text, number or list"),
        ({"tags": ["fr", 1]}, "tags", "1 is no text"),
        ({"tags": [str(n) for n in range(17)]}, "tags", "at most 16"),
        ({f"a{n}": n for n in range(9)}, "attributes", "at most 8"),
        ({f"a{n}": "x" * 60 for n in range(5)}, "attributes", "256"),
    ],
)
def test_a_refusal_is_one_line_that_names_what_is_wrong(attributes: Any, field: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        checked(attributes)
    assert raised.value.field == field
    assert str(raised.value).isprintable()


def test_a_record_carries_attributes_and_one_without_reads_as_before() -> None:
    plain = NodeRecord(public_key=ONE.public_key, name="n", capabilities=("translate",))
    telling = NodeRecord(
        public_key=ONE.public_key, name="n", capabilities=("translate",), attributes=checked(GOOD)
    )
    assert NodeRecord.from_record(telling.to_record(ONE, KEY)) == telling
    assert NodeRecord.from_record(plain.to_record(ONE, KEY)).attributes == {}
    fields = unpack(telling.to_record(ONE, KEY).value, "record")
    assert isinstance(fields, list)
    assert pack(fields[:7]) == plain.to_record(ONE, KEY).value


def test_the_most_of_everything_fits_a_record() -> None:
    attributes = checked({f"a{n}": "x" * 44 for n in range(5)})
    names = tuple(f"{n:02}" + "c" * 62 for n in range(32))
    most = NodeRecord(
        public_key=ONE.public_key, name="n" * 64, nat="n" * 32, capabilities=names, attributes=attributes
    )
    record = most.to_record(ONE, KEY)
    assert len(record.value) <= VALUE_BYTES_MAX
    assert NodeRecord.from_record(record).attributes == attributes


@pytest.mark.parametrize(
    "items",
    [
        b"text", {}, 7, ["load"], ["load", 2], [1, 2], ["b", 1, "a", 1], ["a", 1, "a", 1], ["a", b"x"], ["a", None],
        ["a", ["x", ["y"]]],
    ],
)  # fmt: skip
def test_bad_bytes_are_no_attributes(items: Any) -> None:
    with pytest.raises(DecodeError):
        unflat(items, "record")


def test_a_record_with_bad_attributes_is_no_node_record() -> None:
    value = pack([[], "n", [], b"\0" * 8, "unknown", [], 1, ["load", 7]])
    with pytest.raises(DecodeError):
        NodeRecord.from_record(Record.create(ONE, KEY, value, sequence=1, ttl_s=60))
