"""What a routing table knows of a contact."""

from __future__ import annotations

from msgspec import Struct

from ..wire.contact import Contact

NEVER = float("inf")


class Entry(Struct, gc=False, eq=False):
    """A contact with what we know of it; a node has hundreds of them, so it is small and no part of a circle."""

    contact: Contact
    number: int
    """Its id as an integer."""
    subnet: bytes | None
    added_at: float
    """Since when it is known to be up."""
    last_seen: float
    checked_at: float
    """When it was last pinged."""
    due_at: float = NEVER
    """When it is looked at next."""
    failures: int = 0

    @classmethod
    def of(cls, contact: Contact, now: float, subnet: bytes | None = None) -> Entry:
        """Return the entry of a contact that is met now."""
        return cls(contact, contact.number, subnet, now, now, now)
