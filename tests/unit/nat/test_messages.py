"""Words about ways: those that name relays, and those of proofs."""

from __future__ import annotations

import pytest

from mesh99.nat.messages import RELAYS_MAX, Expect, NatMessage, Prove, Through, Witnessed, decode, encode
from mesh99.wire.codec import pack
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import Identity

KEY = Identity(bytes(32)).public_key
RELAYS = tuple(Contact(KEY, Endpoint("udp", host, 7400)) for host in ("20.0.0.1", "2001:db8::1", "20.0.0.3"))


@pytest.mark.parametrize("count", range(RELAYS_MAX + 1))
def test_relays_come_back_as_they_were_named(count: int) -> None:
    assert decode(encode(Through(RELAYS[:count]))) == Through(RELAYS[:count])


@pytest.mark.parametrize(
    "packed", [b"".join(relay.pack() for relay in RELAYS) + RELAYS[0].pack(), RELAYS[0].pack()[:-1], 7]
)
def test_what_names_no_few_relays_is_refused(packed: object) -> None:
    with pytest.raises(DecodeError):
        decode(pack([16, packed]))


TOKEN = bytes(range(12))
PLACE = Endpoint("udp", "20.0.0.1", 7400)


@pytest.mark.parametrize("message", [Expect(TOKEN), Prove(TOKEN, PLACE), Witnessed(TOKEN, PLACE)])
def test_parts_of_a_proof_come_back(message: NatMessage) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "fields", [[12], [12, TOKEN[:11]], [13, TOKEN], [13, TOKEN, b"x"], [14, TOKEN, 7], [14, 7, b""]]
)
def test_what_is_no_part_of_a_proof_is_refused(fields: list[object]) -> None:
    with pytest.raises(DecodeError):
        decode(pack(fields))
