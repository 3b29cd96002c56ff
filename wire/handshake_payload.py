"""What both sides tell each other inside a handshake, encrypted.

Bytes: length 2 | MessagePack array of that length | zeros. The array holds

    signing key 32    must map to the Noise static key of the handshake
    connection id     where its sender receives; the packet's header says it in clear, this one counts
    cipher bits       1: ChaCha20-Poly1305 (always), 2: AES-256-GCM in hardware
    reset token 16    proves later that its sender forgot the session
    TCP port          where its sender listens, or 0
    observed          the reader's endpoint as the sender sees it, packed, or empty
    early bytes       a request in a first packet, its answer in a reply

Longer arrays are read, their tail ignored, so that fields can be added.
"""

from __future__ import annotations

from typing import NamedTuple

from .codec import Reader, pack, unpack
from .crypto import AES, CHACHA
from .endpoint import Endpoint
from .errors import DecodeError
from .identity import PublicKey
from .packet import RESET_TOKEN_BYTES

CIPHER_CHACHA, CIPHER_AES = 1, 2

LENGTH_BYTES = 2
_WHAT = "handshake payload"


class Payload(NamedTuple):
    """One side's word in a handshake."""

    signing_key: PublicKey
    connection_id: int
    ciphers: int
    reset_token: bytes
    tcp_port: int
    observed: Endpoint | None
    early: bytes

    def encode(self) -> bytes:
        """Return the byte form without padding."""
        fields = pack(
            [
                bytes(self.signing_key),
                self.connection_id,
                self.ciphers,
                self.reset_token,
                self.tcp_port,
                b"" if self.observed is None else self.observed.pack(),
                self.early,
            ]
        )
        return len(fields).to_bytes(LENGTH_BYTES, "big") + fields

    @classmethod
    def decode(cls, data: bytes) -> Payload:
        """Read the byte form and skip what pads it; raises DecodeError."""
        reader = Reader(data, _WHAT)
        match unpack(reader.take(reader.number(LENGTH_BYTES)), _WHAT):
            case [
                bytes(key),
                int(own_id),
                int(ciphers),
                bytes(token),
                int(port),
                bytes(seen),
                bytes(early),
                *_,
            ]:
                _check(key, own_id, ciphers, token, port)
                observed = _observed(seen) if seen else None
                return cls(PublicKey(key), own_id, ciphers, token, port, observed, early)
        raise DecodeError(_WHAT, "wrong fields")

    def cipher_with(self, own_ciphers: int) -> str:
        """Return the cipher both sides take: AES-256-GCM when both have it in hardware."""
        return AES if self.ciphers & own_ciphers & CIPHER_AES else CHACHA


def _check(key: bytes, connection_id: int, ciphers: int, token: bytes, port: int) -> None:
    if len(key) != 32 or len(token) != RESET_TOKEN_BYTES:
        raise DecodeError(_WHAT, "a key or token of a wrong length")
    if not (0 <= connection_id < 2**64 and 0 <= port < 2**16):
        raise DecodeError(_WHAT, "a number out of range")
    if ciphers < 0 or not ciphers & CIPHER_CHACHA:
        raise DecodeError(_WHAT, "lacks the cipher that all have")


def _observed(packed: bytes) -> Endpoint:
    reader = Reader(packed, "observed endpoint")
    endpoint = Endpoint.unpack(reader)
    reader.end()
    return endpoint


PAYLOAD_BYTES_MAX = (
    len(
        Payload(
            signing_key=PublicKey(32),
            connection_id=2**64 - 1,
            ciphers=CIPHER_CHACHA | CIPHER_AES,
            reset_token=bytes(RESET_TOKEN_BYTES),
            tcp_port=2**16 - 1,
            observed=Endpoint("udp", "ff::", 1),
            early=bytes(2**8),
        ).encode()
    )
    - 2**8
)
"""Longest payload that has no early bytes and no padding; a length of early bytes under 64 KiB is counted in."""
