"""Contact: a public key and an endpoint, all that is needed to call a node.

One that is met in a handshake may say that it is ephemeral: not to be listed or named, or boxed: strangers may
not reach it. Its byte form lacks both.

Bytes: public key 32 | endpoint 7 or 19. Twenty of them fit one datagram.
"""

from __future__ import annotations

from .codec import Reader
from .endpoint import Endpoint
from .identity import NodeId, PublicKey
from .memo import memo

CONTACTS_CACHED = 8192
"""About 500 bytes each: a node meets the same contacts over and over, in answers and in sessions."""


class Contact:
    """A node and where it is reached; equal when both are."""

    __slots__ = (
        "_number",
        "_packed",
        "_scope",
        "boxed",
        "endpoint",
        "ephemeral",
        "family",
        "node_id",
        "public_key",
    )

    def __init__(
        self, public_key: PublicKey, endpoint: Endpoint, *, ephemeral: bool = False, boxed: bool = False
    ) -> None:
        self.public_key = public_key
        self.endpoint = endpoint
        self.family = endpoint.family
        self.ephemeral = ephemeral
        self.boxed = boxed
        self.node_id: NodeId = public_key.node_id
        self._packed: bytes | None = None
        self._scope: int | None = None
        self._number: int | None = None

    @property
    def number(self) -> int:
        """Its id as an integer, for distances."""
        if self._number is None:
            self._number = self.node_id.number
        return self._number

    @property
    def scope(self) -> int:
        """Tell how far its endpoint means something; looked up once, since every answer asks for it."""
        if self._scope is None:
            self._scope = self.endpoint.scope
        return self._scope

    def pack(self) -> bytes:
        """Return the byte form."""
        if self._packed is None:
            self._packed = self.public_key + self.endpoint.pack()
        return self._packed

    @classmethod
    def unpack(cls, reader: Reader) -> Contact:
        """Read the byte form; raises DecodeError."""
        return known_contact(PublicKey(reader.take(32)), Endpoint.unpack(reader))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Contact)
            and self.public_key == other.public_key
            and self.endpoint == other.endpoint
        )

    def __hash__(self) -> int:
        return hash((self.public_key, self.endpoint))

    def __repr__(self) -> str:
        return f"Contact({self.node_id.short} at {self.endpoint})"


@memo(CONTACTS_CACHED)
def known_contact(
    public_key: PublicKey, endpoint: Endpoint, ephemeral: bool = False, boxed: bool = False
) -> Contact:
    """Return the contact of a key and an endpoint, the same object while it is remembered."""
    return Contact(public_key, endpoint, ephemeral=ephemeral, boxed=boxed)
