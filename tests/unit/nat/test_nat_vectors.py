"""The NAT message vectors in docs/protocol.md: every implementation must produce and accept exactly these bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.nat.behaviour import NatKind
from mesh99.nat.messages import (
    CallBack,
    Candidates,
    Closed,
    Deliver,
    Expect,
    Incoming,
    NatMessage,
    Open,
    Opened,
    Prove,
    Reached,
    Reason,
    Refused,
    Reserve,
    Reserved,
    Search,
    Through,
    Witnessed,
    decode,
    encode,
)
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
BEGIN, END = "```nat-vectors\n", "```"
ONE, TWO = Identity(b"\x01" * 32), Identity(b"\x02" * 32)
FIRST, SECOND = Endpoint("udp", "192.0.2.1", 7400), Endpoint("udp", "2001:db8::1", 7401)
HOME = Endpoint("udp", "192.168.1.2", 7400)
TOKEN = bytes(range(12))

EXPECTED: dict[str, NatMessage] = {
    "reserve": Reserve(),
    "reserved": Reserved(3600),
    "reserved_refused": Reserved(0),
    "open": Open(2, TWO.node_id),
    "opened": Opened(2, FIRST),
    "refused": Refused(2, Reason.TOO_MANY),
    "incoming": Incoming(1, SECOND),
    "closed": Closed(2),
    "call_back": CallBack(TOKEN),
    "call_back_port": CallBack(TOKEN, 7400),
    "deliver": Deliver(TOKEN, FIRST),
    "candidates": Candidates((FIRST, HOME), NatKind.EASY),
    "candidates_counting": Candidates((FIRST,), NatKind.HARD, 20_001, 1),
    "candidates_blocked": Candidates((), NatKind.BLOCKED),
    "search": Search(),
    "expect": Expect(TOKEN),
    "prove": Prove(TOKEN, FIRST),
    "witnessed": Witnessed(TOKEN, FIRST),
    "through": Through((Contact(ONE.public_key, FIRST), Contact(TWO.public_key, SECOND))),
    "through_none": Through(()),
    "reached": Reached(1),
}


@pytest.fixture(scope="module")
def vectors() -> dict[str, bytes]:
    block = PROTOCOL.read_text(encoding="utf-8").split(BEGIN, 1)[1].split(END, 1)[0]
    return {name: bytes.fromhex(data) for name, data in (line.split() for line in block.splitlines())}


def test_every_message_has_a_vector(vectors: dict[str, bytes]) -> None:
    assert list(vectors) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_vector(vectors: dict[str, bytes], name: str) -> None:
    assert decode(vectors[name]) == EXPECTED[name]
    assert encode(EXPECTED[name]) == vectors[name]
