"""Contacts: a key and an endpoint."""

from __future__ import annotations

import pytest

from mesh99.wire.codec import Reader
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import Identity

ONE, TWO = Identity(b"\x01" * 32), Identity(b"\x02" * 32)
V4 = Contact(ONE.public_key, Endpoint("udp", "192.0.2.1", 7400))
V6 = Contact(ONE.public_key, Endpoint("tcp", "2001:db8::1", 7401))


@pytest.mark.parametrize(("contact", "size"), [(V4, 39), (V6, 51)])
def test_bytes_round_trip(contact: Contact, size: int) -> None:
    packed = contact.pack()
    assert len(packed) == size
    reader = Reader(packed + b"next", "contact")
    again = Contact.unpack(reader)
    assert again == contact
    assert again.node_id == ONE.node_id
    assert reader.rest() == b"next"


def test_every_shorter_form_is_a_decode_error() -> None:
    for end in range(len(V6.pack())):
        with pytest.raises(DecodeError):
            Contact.unpack(Reader(V6.pack()[:end], "contact"))


def test_equality_is_key_and_endpoint() -> None:
    assert Contact(ONE.public_key, Endpoint("udp", "192.0.2.1", 7400)) == V4
    assert len({V4, V6, Contact(TWO.public_key, V4.endpoint), Contact(ONE.public_key, V4.endpoint)}) == 3
    assert V4 != "contact"


def test_twenty_fit_a_datagram() -> None:
    assert 20 * len(V6.pack()) + 100 < 1200
