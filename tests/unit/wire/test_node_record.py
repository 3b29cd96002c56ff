"""What a node says about itself: bounds, the room in a record, JSON."""

from __future__ import annotations

import json

import pytest

from mesh99.wire.codec import pack, unpack
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError, DecodeError
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import CAPABILITIES_MAX, NodeRecord
from mesh99.wire.record import RECORD_BYTES_MAX, Record, capability_key

ONE, TWO = Identity(b"\x01" * 32), Identity(b"\x02" * 32)
UDP, TCP = Endpoint("udp", "192.0.2.1", 7400), Endpoint("tcp", "2001:db8::1", 7400)
FULL = NodeRecord(
    public_key=ONE.public_key,
    endpoints=(TCP, UDP),
    name="writer",
    capabilities=("summarize", "image.resize"),
    nat="easy",
    relays=(Contact(TWO.public_key, UDP),),
    sequence=7,
    ttl_s=600,
)


def value_record(value: object, owner: Identity = ONE) -> Record:
    return Record.create(owner, owner.node_id, pack(value), sequence=1, ttl_s=60)


def test_a_record_says_what_was_put_in() -> None:
    record = FULL.to_record(ONE)
    assert record.key == ONE.node_id
    assert record.verify()
    assert NodeRecord.from_record(Record.decode(record.encode())) == FULL


def test_the_same_value_lies_under_other_keys() -> None:
    record = FULL.to_record(ONE, capability_key("summarize"))
    assert record.key == capability_key("summarize")
    assert record.value == FULL.to_record(ONE).value
    assert NodeRecord.from_record(record) == FULL


def test_the_contact_is_the_first_udp_endpoint() -> None:
    assert FULL.contact() == Contact(ONE.public_key, UDP)
    assert NodeRecord(public_key=ONE.public_key, endpoints=(TCP,)).contact() is None


def test_json_has_the_agreed_keys() -> None:
    document = json.loads(json.dumps(FULL.to_json()))
    assert list(document) == [
        "node_id",
        "name",
        "public_key",
        "endpoints",
        "capabilities",
        "nat",
        "relays",
        "protocol_version",
        "attributes",
        "sequence",
        "ttl_s",
    ]
    assert document["endpoints"] == ["tcp://[2001:db8::1]:7400", "udp://192.0.2.1:7400"]
    assert document["relays"] == [TWO.node_id.text]


def test_capabilities_that_do_not_fit_are_left_out_and_the_digest_is_of_all() -> None:
    capabilities = tuple(f"capability-{i:02}-" + "x" * 48 for i in range(CAPABILITIES_MAX))
    full = NodeRecord(
        public_key=ONE.public_key, endpoints=(TCP,) * 8, name="n" * 64, capabilities=capabilities
    )
    record = full.to_record(ONE)
    assert len(record.encode()) <= RECORD_BYTES_MAX
    kept = NodeRecord.from_record(record).capabilities
    assert 5 < len(kept) < CAPABILITIES_MAX
    assert kept == capabilities[: len(kept)]
    fewer = NodeRecord(
        public_key=ONE.public_key, endpoints=(TCP,) * 8, name="n" * 64, capabilities=capabilities[:-1]
    ).to_record(ONE)
    digest, other = (unpack(r.value, "test")[3] for r in (record, fewer))  # type: ignore[index]
    assert digest != other


def test_the_largest_record_without_capabilities_fits() -> None:
    relay = Contact(TWO.public_key, TCP)
    largest = NodeRecord(
        public_key=ONE.public_key,
        endpoints=(TCP,) * 8,
        name="ä" * 32,
        nat="n" * 32,
        relays=(relay,) * 3,
        protocol_version=255,
        sequence=2**64 - 1,
        ttl_s=2**32 - 1,
    )
    assert NodeRecord.from_record(largest.to_record(ONE)) == largest


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoints": (UDP,) * 9}, "endpoints"),
        ({"relays": (Contact(TWO.public_key, UDP),) * 4}, "relays"),
        ({"name": "n" * 65}, "name"),
        ({"name": "ä" * 33}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "\x1b[2J"}, "name"),
        ({"name": "\u202egnp.exe"}, "name"),
        ({"name": "\udcff"}, "name"),
        ({"nat": "n" * 33}, "nat"),
        ({"capabilities": ("c",) * 33}, "capabilities"),
        ({"capabilities": ("c" * 65,)}, "capabilities"),
        ({"capabilities": ("",)}, "capabilities"),
        ({"protocol_version": 256}, "protocol version"),
    ],
)
def test_bounds_name_the_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        NodeRecord(public_key=ONE.public_key, **change)  # type: ignore[arg-type]
    assert caught.value.field == field


GOOD: list[object] = [
    [UDP.pack()],
    "name",
    ["a"],
    bytes(8),
    "unknown",
    [Contact(TWO.public_key, UDP).pack()],
    1,
]


def test_further_fields_are_for_later_versions() -> None:
    assert NodeRecord.from_record(value_record([*GOOD, [], "new", 5])).name == "name"


@pytest.mark.parametrize(
    "value",
    [None, 7, "text", [], GOOD[:6]]
    + [[*GOOD[:i], wrong, *GOOD[i + 1 :]] for i in (0, 1, 2, 4, 5, 6) for wrong in (None, 1.5, [1], [[]])]
    + [
        [[UDP.pack() + b"\x00"], *GOOD[1:]],
        [[UDP.pack()[:-1]], *GOOD[1:]],
        [[UDP.pack()] * 9, *GOOD[1:]],
        [*GOOD[:1], "n" * 65, *GOOD[2:]],
        [*GOOD[:1], "\x1b[2J", *GOOD[2:]],
        [*GOOD[:6], True],
        [*GOOD[:6], -1],
    ],
)
def test_other_values_are_decode_errors(value: object) -> None:
    with pytest.raises(DecodeError):
        NodeRecord.from_record(value_record(value))
