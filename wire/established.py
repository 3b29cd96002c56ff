"""What a finished handshake gives to a Session: two keys, two connection ids, and what the peer said.

A session key is the keyed BLAKE2b of the handshake hash and the cipher's name under the key that Noise's split gives:
it holds for this transcript and this cipher only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from .endpoint import Endpoint
from .handshake_payload import Payload
from .identity import PublicKey
from .noise import HandshakeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Established:
    """What a finished handshake gives to a Session."""

    remote_key: PublicKey
    local_id: int
    remote_id: int
    send_key: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)
    cipher: str
    handshake_hash: bytes
    reset_token: bytes = field(repr=False)
    """What the peer will prove with that it forgot this session."""
    remote_tcp_port: int
    observed: Endpoint | None
    """This side's endpoint as the peer sees it."""
    early: bytes
    """The request or the answer that rode along."""
    flags: int = 0
    """What the peer's payload asked for (handshake_payload.py)."""
    final_packet: bytes = b""
    """XX: what the caller still has to send, until the peer is heard with the new keys."""


def established_from(
    state: HandshakeState, own_ciphers: int, peer: Payload, local_id: int, final: bytes, *, initiator: bool
) -> Established:
    """Return what a finished handshake gives, the peer's word in hand."""
    cipher = peer.cipher_with(own_ciphers)
    keys = [_session_key(key, cipher, state.handshake_hash) for key in state.split()]
    send_key, receive_key = keys if initiator else reversed(keys)
    return Established(
        remote_key=peer.signing_key,
        local_id=local_id,
        remote_id=peer.connection_id,
        send_key=send_key,
        receive_key=receive_key,
        cipher=cipher,
        handshake_hash=state.handshake_hash,
        reset_token=peer.reset_token,
        remote_tcp_port=peer.tcp_port,
        observed=peer.observed,
        early=peer.early,
        flags=peer.flags,
        final_packet=final,
    )


def _session_key(key: bytes, cipher: str, handshake_hash: bytes) -> bytes:
    return blake2b(
        handshake_hash + cipher.encode(), key=key, digest_size=32, person=b"mesh99-session"
    ).digest()
