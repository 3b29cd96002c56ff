"""Contact: a public key and an endpoint, all that is needed to call a node.

Bytes: public key 32 | endpoint 7 or 19. Twenty of them fit one datagram.
"""

from __future__ import annotations

from .codec import Reader
from .endpoint import Endpoint
from .identity import NodeId, PublicKey


class Contact:
    """A node and where it is reached; equal when both are."""

    __slots__ = ("endpoint", "node_id", "public_key")

    def __init__(self, public_key: PublicKey, endpoint: Endpoint) -> None:
        self.public_key = public_key
        self.endpoint = endpoint
        self.node_id: NodeId = public_key.node_id

    def pack(self) -> bytes:
        """Return the byte form."""
        return self.public_key + self.endpoint.pack()

    @classmethod
    def unpack(cls, reader: Reader) -> Contact:
        """Read the byte form; raises DecodeError."""
        return cls(PublicKey(reader.take(32)), Endpoint.unpack(reader))

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
