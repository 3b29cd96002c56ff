"""Stateless reset: prove, also after a restart, that a session is forgotten.

Each side gets the other's token inside the handshake. It follows from the identity and the connection id: nothing has
to be stored to send it later, and nobody else can make it.
"""

from __future__ import annotations

from hashlib import blake2b

from .identity import Identity
from .packet import RESET, RESET_TOKEN_BYTES


def reset_token(identity: Identity, local_id: int) -> bytes:
    """Return what proves, also after a restart, that the session with this id of ours is forgotten."""
    key = identity.derive("reset")
    return blake2b(local_id.to_bytes(8, "big"), key=key, digest_size=RESET_TOKEN_BYTES).digest()


def reset_packet(identity: Identity, local_id: int) -> bytes:
    """Return the RESET packet that answers data for a session nobody knows here."""
    return bytes((RESET,)) + local_id.to_bytes(8, "big") + reset_token(identity, local_id)
