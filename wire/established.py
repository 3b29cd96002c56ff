"""What a finished handshake gives to a Session: two keys, two connection ids, and what the peer said.

A session key is the keyed BLAKE2b of the handshake hash and the cipher's name under the key that Noise's split gives:
it holds for this transcript and this cipher only.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct

from .endpoint import Endpoint
from .handshake_payload import BOXED, EPHEMERAL, MESSAGE, Payload
from .identity import PublicKey
from .noise import HandshakeState


class Secrets:
    """The two session keys, computed when they are first asked for: an answer that no session follows needs none."""

    __slots__ = ("_cipher", "_initiator", "_keys", "_state")

    def __init__(self, state: HandshakeState, cipher: str, *, initiator: bool) -> None:
        self._state = state
        self._cipher = cipher
        self._initiator = initiator
        self._keys: tuple[bytes, bytes] | None = None

    def keys(self) -> tuple[bytes, bytes]:
        """Return the key to send with and the key to receive with."""
        if self._keys is None:
            own, other = self._state.split() if self._initiator else reversed(self._state.split())
            self._keys = self._session_key(own), self._session_key(other)
        return self._keys

    def _session_key(self, key: bytes) -> bytes:
        transcript = self._state.handshake_hash + self._cipher.encode()
        return blake2b(transcript, key=key, digest_size=32, person=b"mesh99-session").digest()


class Established(Struct, frozen=True, kw_only=True):
    """What a finished handshake gives to a Session."""

    remote_key: PublicKey
    local_id: int
    remote_id: int
    secrets: Secrets
    cipher: str
    handshake_hash: bytes
    reset_token: bytes
    """What the peer will prove with that it forgot this session."""
    remote_tcp_port: int
    observed: Endpoint | None
    """This side's endpoint as the peer sees it."""
    early: bytes
    """The request or the answer that rode along."""
    flags: int = 0
    """What the peer's payload asked for (handshake_payload.py)."""
    next_port: int = 0
    """Which port the peer's box gives next, if the peer says that it counts."""
    final_packet: bytes = b""
    """XX: what the caller still has to send, until the peer is heard with the new keys."""

    def __repr__(self) -> str:
        return f"Established({self.remote_key!r})"

    @property
    def ephemeral(self) -> bool:
        """Whether the peer asks not to be listed."""
        return bool(self.flags & EPHEMERAL)

    @property
    def boxed(self) -> bool:
        """Whether strangers may not reach the peer."""
        return bool(self.flags & BOXED)

    @property
    def took_message(self) -> bool:
        """Whether the agent that was called took the message in the first packet."""
        return bool(self.flags & MESSAGE)

    @property
    def send_key(self) -> bytes:
        """The key of what this side sends."""
        return self.secrets.keys()[0]

    @property
    def receive_key(self) -> bytes:
        """The key of what the peer sends."""
        return self.secrets.keys()[1]


def established_from(
    state: HandshakeState, own_ciphers: int, peer: Payload, local_id: int, final: bytes, *, initiator: bool
) -> Established:
    """Return what a finished handshake gives, the peer's word in hand."""
    cipher = peer.cipher_with(own_ciphers)
    return Established(
        remote_key=peer.signing_key,
        local_id=local_id,
        remote_id=peer.connection_id,
        secrets=Secrets(state, cipher, initiator=initiator),
        cipher=cipher,
        handshake_hash=state.handshake_hash,
        reset_token=peer.reset_token,
        remote_tcp_port=peer.tcp_port,
        observed=peer.observed,
        early=peer.early,
        flags=peer.flags,
        next_port=peer.next_port,
        final_packet=final,
    )
