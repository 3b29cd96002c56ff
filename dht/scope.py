"""What an address says about who should be told of it.

A peer may only name addresses that make sense from where it stands: one on the public internet that names 127.0.0.1
or 10.0.0.1 would make us knock at our own services.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ..wire.contact import Contact
from ..wire.endpoint import Endpoint

LOOPBACK, PRIVATE, PUBLIC = range(3)
ENDPOINTS_CACHED = 8192


@lru_cache(ENDPOINTS_CACHED)
def scope_of(endpoint: Endpoint) -> int:
    """Return LOOPBACK, PRIVATE or PUBLIC; -1 for an endpoint nobody can be reached at."""
    if not endpoint.is_usable:
        return -1
    if endpoint.is_loopback:
        return LOOPBACK
    return PRIVATE if endpoint.is_private else PUBLIC


def subnet_of(endpoint: Endpoint) -> bytes | None:
    """Return the public /24 or /48 of an endpoint; None where addresses say nothing about their owner."""
    if scope_of(endpoint) != PUBLIC:
        return None
    packed = endpoint.pack()  # flags, address, port
    return packed[1:4] if len(packed) == 7 else packed[1:7]


def believable(contacts: Sequence[Contact], teller: Contact) -> list[Contact]:
    """Return the contacts that `teller` may know of."""
    least = scope_of(teller.endpoint)
    return [contact for contact in contacts if scope_of(contact.endpoint) >= max(least, LOOPBACK)]
