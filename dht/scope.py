"""What an address says about who should be told of it.

A peer may only name addresses that make sense from where it stands: one on the public internet that names 127.0.0.1
or 10.0.0.1 would make us knock at our own services.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.contact import Contact
from ..wire.endpoint import LOOPBACK, NOWHERE, PUBLIC

THROUGH_RELAYS = b""
"""Stands for the subnet of all whose addresses only their relays know."""


def subnet_of(contact: Contact) -> bytes | None:
    """Return the public /24 or /48 of a contact; None where addresses say nothing about their owner."""
    if contact.scope != PUBLIC:
        return None
    packed = contact.endpoint.pack()  # flags, address, port
    return packed[1:4] if len(packed) == 7 else packed[1:7]


def storing_subnet_of(contact: Contact) -> bytes | None:
    """Return the subnet that what a peer stores counts to; all who come through relays share one.

    Were they not counted, whoever has identities without number would store through a relay.
    """
    return THROUGH_RELAYS if contact.scope == NOWHERE else subnet_of(contact)


def believable(contacts: Sequence[Contact], teller: Contact, family: int = 0) -> list[Contact]:
    """Return the contacts that `teller` may know of; only those of one address family, if it is named."""
    least = max(teller.scope, LOOPBACK)
    if family:
        return [contact for contact in contacts if contact.scope >= least and contact.family == family]
    return [contact for contact in contacts if contact.scope >= least]
