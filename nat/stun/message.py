"""A STUN message: its bytes, its attributes in order, and the proofs at its end (RFC 8489, sections 5 and 14).

    00 | type 14 bits | length 2 | magic cookie 4 | transaction id 12 | attributes
    attribute: type 2 | length 2 | value | padding to a multiple of 4

The type holds method and class in an interleaved form. Proofs cover what stands before them, with a length in the
header that counts up to their own end: MESSAGE-INTEGRITY (HMAC-SHA1), MESSAGE-INTEGRITY-SHA256, then FINGERPRINT
(CRC-32). What follows a proof, but for the other proofs, was not proved and is left out.
"""

from __future__ import annotations

import hmac
from binascii import crc32
from dataclasses import dataclass
from enum import IntEnum

from ...wire.errors import DecodeError

HEADER_BYTES = 20
MAGIC_COOKIE = bytes.fromhex("2112a442")
TRANSACTION_ID_BYTES = 12

MESSAGE_BYTES_MAX = 2048
"""More than a datagram on any path that matters; TURN's DATA holds one more of ours."""

ATTRIBUTES_MAX = 64
"""Far above any real message; each costs a tuple."""

MESSAGE_INTEGRITY = 0x0008
MESSAGE_INTEGRITY_SHA256 = 0x001C
FINGERPRINT = 0x8028
FINGERPRINT_MASK = 0x5354554E

SHA1_BYTES = 20
SHA256_BYTES = 32
SHA256_BYTES_MIN = 16
"""Least bytes of a truncated MESSAGE-INTEGRITY-SHA256 (section 14.6)."""

_PROOFS = (MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256, FINGERPRINT)


class MessageClass(IntEnum):
    """What a message is in its transaction."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Method(IntEnum):
    """What is asked for (RFC 8489, RFC 8656, RFC 6062)."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


@dataclass(frozen=True, slots=True)
class StunMessage:
    """Hold one message; `method` is a number, so that unknown ones can be answered."""

    method: int
    message_class: MessageClass
    transaction_id: bytes
    attributes: tuple[tuple[int, bytes], ...] = ()
    received: bytes = b""
    """The bytes that it was read from, which its proofs are about; empty for one of our own."""

    def find(self, attribute_type: int) -> bytes | None:
        """Return the value of the first attribute of a type; later ones mean nothing (section 14)."""
        return next((value for kind, value in self.attributes if kind == attribute_type), None)

    def all(self, attribute_type: int) -> list[bytes]:
        """Return the values of every attribute of a type, for those that may come more than once."""
        return [value for kind, value in self.attributes if kind == attribute_type]


def encode(
    message: StunMessage,
    *,
    sha1_key: bytes | None = None,
    sha256_key: bytes | None = None,
    fingerprint: bool = True,
) -> bytes:
    """Return the bytes of a message with the proofs asked for."""
    body = b"".join([_attribute(kind, value) for kind, value in message.attributes])
    head = _type_bytes(message.method, message.message_class), MAGIC_COOKIE + message.transaction_id
    if sha1_key is not None:
        body += _attribute(MESSAGE_INTEGRITY, hmac.digest(sha1_key, _proved(head, body, SHA1_BYTES), "sha1"))
    if sha256_key is not None:
        digest = hmac.digest(sha256_key, _proved(head, body, SHA256_BYTES), "sha256")
        body += _attribute(MESSAGE_INTEGRITY_SHA256, digest)
    if fingerprint:
        checksum = crc32(_proved(head, body, 4)) ^ FINGERPRINT_MASK
        body += _attribute(FINGERPRINT, checksum.to_bytes(4, "big"))
    return _proved(head, body, -4)


def decode(data: bytes) -> StunMessage:
    """Read a message; raises DecodeError, also for a wrong FINGERPRINT. Integrity is `is_proved`'s to tell."""
    if not HEADER_BYTES <= len(data) <= MESSAGE_BYTES_MAX:
        raise DecodeError("stun", "no length of a message", 0)
    kind, length = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    if kind >> 14 or data[4:8] != MAGIC_COOKIE or length % 4 or HEADER_BYTES + length != len(data):
        raise DecodeError("stun", "no header of a message", 0)
    method = kind & 0xF | (kind >> 1) & 0x70 | (kind >> 2) & 0xF80
    message_class = MessageClass((kind >> 4) & 1 | (kind >> 7) & 2)
    return StunMessage(method, message_class, data[8:20], tuple(_read_attributes(data)), data)


def is_proved(
    message: StunMessage, *, sha1_key: bytes | None = None, sha256_key: bytes | None = None
) -> bool:
    """Tell whether a received message carries the proof of each key that is given."""
    return (sha1_key is None or _is_proved(message, MESSAGE_INTEGRITY, sha1_key, "sha1")) and (
        sha256_key is None or _is_proved(message, MESSAGE_INTEGRITY_SHA256, sha256_key, "sha256")
    )


def _is_proved(message: StunMessage, proof_type: int, key: bytes, hash_name: str) -> bool:
    data, offset = message.received, HEADER_BYTES
    while offset < len(data):
        kind, end, padded_end = _bounds(data, offset)
        if kind == proof_type:
            proof, covered = (
                data[offset + 4 : end],
                data[:2] + (end - HEADER_BYTES).to_bytes(2, "big") + data[4:offset],
            )
            return _fits(proof, hash_name) and hmac.compare_digest(
                proof, hmac.digest(key, covered, hash_name)[: len(proof)]
            )
        offset = padded_end
    return False


def _fits(proof: bytes, hash_name: str) -> bool:
    if hash_name == "sha1":
        return len(proof) == SHA1_BYTES
    return SHA256_BYTES_MIN <= len(proof) <= SHA256_BYTES and len(proof) % 4 == 0


def _read_attributes(data: bytes) -> list[tuple[int, bytes]]:
    attributes: list[tuple[int, bytes]] = []
    offset, proved = HEADER_BYTES, False
    while offset < len(data):
        kind, end, padded_end = _bounds(data, offset)
        if kind == FINGERPRINT:
            _check_fingerprint(data, offset, end)
        if not proved or kind in _PROOFS:
            attributes.append((kind, data[offset + 4 : end]))
        if len(attributes) > ATTRIBUTES_MAX:
            raise DecodeError("stun", "too many attributes", offset)
        proved = proved or kind in _PROOFS
        offset = padded_end
    return attributes


def _bounds(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return type, end of the value and end of the padding of the attribute that begins at an offset."""
    end = offset + 4 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    padded_end = end + -end % 4
    if padded_end > len(data):
        raise DecodeError("stun", "attribute cut short", offset)
    return int.from_bytes(data[offset : offset + 2], "big"), end, padded_end


def _check_fingerprint(data: bytes, offset: int, end: int) -> None:
    """Refuse a FINGERPRINT that is wrong or not the last attribute (section 14.7)."""
    checksum = (crc32(data[:offset]) ^ FINGERPRINT_MASK).to_bytes(4, "big")
    if end != len(data) or data[offset + 4 : end] != checksum:
        raise DecodeError("stun", "wrong fingerprint", offset)


def _attribute(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)


def _type_bytes(method: int, message_class: int) -> bytes:
    spread = method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2
    return (spread | (message_class & 1) << 4 | (message_class & 2) << 7).to_bytes(2, "big")


def _proved(head: tuple[bytes, bytes], body: bytes, proof_bytes: int) -> bytes:
    """Return header and body as a proof of some bytes that follows them covers it (-4: as they are sent)."""
    kind, rest = head
    return kind + (len(body) + 4 + proof_bytes).to_bytes(2, "big") + rest + body
