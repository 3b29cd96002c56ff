"""What both sides tell each other inside a handshake, encrypted.

Bytes: length 2 | MessagePack array of that length | zeros. The array holds

    signing key 32    must map to the Noise static key of the handshake
    connection id     where its sender receives; the packet's header says it in clear, this one counts
    cipher bits       1: ChaCha20-Poly1305 (always), 2: AES-256-GCM in hardware
    reset token 16    proves later that its sender forgot the session
    TCP port          where its sender listens, or 0
    observed          the reader's endpoint as the sender sees it, packed, or empty
    early bytes       a request in a first packet, its answer in a reply
    flags             ONCE 1, PROVE 2, EPHEMERAL 4, SERVES 8, BOXED 16, MESSAGE 32; left out when 0
    next port         of a box in front of the sender that counts its ports up: the one it gives next; left out when 0

ONCE in a first packet: the caller wants the answer and no session. PROVE in the reply to it: the answering side would
like to know that the caller is there, so one data packet is welcome; without it, it has forgotten the caller already.
EPHEMERAL from either side: its sender will soon be gone or cannot be called by others, so do not list it.

SERVES, from either side: it relays for others. BOXED: it was not found that strangers reach its sender, so name it to
others only where too few are known whom they do reach.

MESSAGE in a first packet: the early bytes are a message for the agent and no request of the DHT; in the reply to it:
the agent took it. Who was not told so sends it over the session.

Longer arrays are read, their tail ignored, so that fields can be added.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import DecodeError as NotMessagePack
from msgspec import Meta, Struct
from msgspec.msgpack import Decoder

from .codec import BYTES_MAX, Reader, pack
from .crypto import AES, CHACHA
from .endpoint import Endpoint
from .errors import DecodeError
from .identity import PublicKey
from .memo import memo
from .packet import RESET_TOKEN_BYTES

CIPHER_CHACHA, CIPHER_AES = 1, 2
ONCE, PROVE, EPHEMERAL, SERVES, BOXED, MESSAGE = 1, 2, 4, 8, 16, 32

LENGTH_BYTES = 2
_WHAT = "handshake payload"

ENDPOINTS_CACHED = 1024
"""A node hears of few endpoints of its own, over and over; about 300 bytes each."""


class Payload(Struct, frozen=True):
    """One side's word in a handshake."""

    signing_key: PublicKey
    connection_id: int
    ciphers: int
    reset_token: bytes
    tcp_port: int
    observed: Endpoint | None
    early: bytes
    flags: int = 0
    next_port: int = 0

    def encode(self) -> bytes:
        """Return the byte form without padding."""
        observed = b"" if self.observed is None else self.observed.pack()
        words = [
            self.signing_key,
            self.connection_id,
            self.ciphers,
            self.reset_token,
            self.tcp_port,
            observed,
            self.early,
        ]
        if self.flags or self.next_port:
            words.append(self.flags)
        if self.next_port:
            words.append(self.next_port)
        fields = pack(words)
        return len(fields).to_bytes(LENGTH_BYTES, "big") + fields

    @classmethod
    def decode(cls, data: bytes) -> Payload:
        """Read the byte form and skip what pads it; raises DecodeError."""
        end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
        fields = data[LENGTH_BYTES:end]
        if end > len(data) or len(fields) > BYTES_MAX:
            raise DecodeError(_WHAT, "of a length that cannot be", min(end, BYTES_MAX))
        try:
            wire = _DECODER.decode(fields)
        except (NotMessagePack, RecursionError) as error:
            raise DecodeError(_WHAT, str(error)) from None
        if not wire.ciphers & CIPHER_CHACHA:
            raise DecodeError(_WHAT, "lacks the cipher that all have")
        observed = _observed(wire.observed) if wire.observed else None
        return cls(
            PublicKey(wire.signing_key),
            wire.connection_id,
            wire.ciphers,
            wire.reset_token,
            wire.tcp_port,
            observed,
            wire.early,
            wire.flags,
            wire.next_port,
        )

    def cipher_with(self, own_ciphers: int) -> str:
        """Return the cipher both sides take: AES-256-GCM when both have it in hardware."""
        return AES if self.ciphers & own_ciphers & CIPHER_AES else CHACHA


class _Wire(Struct, array_like=True, frozen=True):
    """The array, as msgspec reads and checks it."""

    signing_key: Annotated[bytes, Meta(min_length=32, max_length=32)]
    connection_id: Annotated[int, Meta(ge=0)]
    ciphers: Annotated[int, Meta(ge=0)]
    reset_token: Annotated[bytes, Meta(min_length=RESET_TOKEN_BYTES, max_length=RESET_TOKEN_BYTES)]
    tcp_port: Annotated[int, Meta(ge=0, lt=2**16)]
    observed: bytes
    early: bytes
    flags: Annotated[int, Meta(ge=0)] = 0
    next_port: Annotated[int, Meta(ge=0, lt=2**16)] = 0


_DECODER = Decoder(_Wire)


@memo(ENDPOINTS_CACHED)
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
            flags=ONCE | PROVE | EPHEMERAL | SERVES | BOXED | MESSAGE,
        ).encode()
    )
    - 2**8
)
"""Longest payload that has no early bytes and no padding; a length of early bytes under 64 KiB is counted in.

A next port is told beside an IPv4 address only (boxes that count are for IPv4): that leaves more room than it takes."""
