"""Record: a signed value with a key, an owner, a sequence number and a life.

Bytes: format 1 | key 32 | owner 32 | sequence 8 | ttl 4 | value length 2 | value | signature 64. At most 1 KiB: with
its frame it fits a datagram. The signature covers a label and everything before it. Life is relative: a holder counts
the age of what it holds, so no clock of another host is trusted. A newer sequence replaces an older one; an empty
value is a tombstone. One key may hold one record per owner.

Content is a record that cannot change: its key is the hash of its value, which anybody can check, so it needs no
signature. All who publish it share one owner, the public key of zeros, whose private half nobody can have.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b

from .crypto import REAL, Crypto
from .errors import DecodeError, PayloadTooLarge
from .identity import Identity, NodeId, PublicKey

RECORD_BYTES_MAX = 1024
FORMAT = 1
KEY_BYTES = 32
KEY_AT = 1
"""Where the key stands in the bytes of a record."""
SIGNATURE_BYTES = 64
LABEL = b"mesh99 record v1\x00"
HEAD = struct.Struct(">B32s32sQIH")
CONTENT_OWNER = PublicKey(bytes(32))
CONTENT_SEQUENCE = 1
NO_SIGNATURE = bytes(SIGNATURE_BYTES)
VALUE_BYTES_MAX = RECORD_BYTES_MAX - HEAD.size - SIGNATURE_BYTES


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """A signed value."""

    key: bytes
    owner: PublicKey
    sequence: int
    ttl_s: int
    value: bytes
    signature: bytes

    @classmethod
    def create(cls, identity: Identity, key: bytes, value: bytes, *, sequence: int, ttl_s: int) -> Record:
        """Sign a value; raises PayloadTooLarge over 1 KiB, ValueError for a key or number of a wrong size."""
        if len(value) > VALUE_BYTES_MAX:
            raise PayloadTooLarge("value of a record", len(value), VALUE_BYTES_MAX)
        if len(key) != KEY_BYTES or not (0 <= sequence < 2**64 and 0 <= ttl_s < 2**32):
            raise ValueError("a key has 32 bytes, a sequence 64 bits and a life 32 bits")
        unsigned = _unsigned(key, identity.public_key, sequence, ttl_s, value)
        return cls(bytes(key), identity.public_key, sequence, ttl_s, value, identity.sign(LABEL + unsigned))

    @classmethod
    def of_content(cls, value: bytes, *, ttl_s: int) -> Record:
        """Make the record of content; raises PayloadTooLarge over 1 KiB, ValueError when there is none."""
        if len(value) > VALUE_BYTES_MAX:
            raise PayloadTooLarge("content", len(value), VALUE_BYTES_MAX)
        if not value or not 0 <= ttl_s < 2**32:
            raise ValueError("content has at least a byte, and a life 32 bits")
        return cls(content_key(value), CONTENT_OWNER, CONTENT_SEQUENCE, ttl_s, value, NO_SIGNATURE)

    @property
    def is_content(self) -> bool:
        """Whether its key, and no signature, is to vouch for it."""
        return self.owner == CONTENT_OWNER

    @property
    def size_bytes(self) -> int:
        """Length of the byte form."""
        return HEAD.size + len(self.value) + SIGNATURE_BYTES

    def encode(self) -> bytes:
        """Return the byte form."""
        return _unsigned(self.key, self.owner, self.sequence, self.ttl_s, self.value) + self.signature

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Record:
        """Read the byte form without checking the signature; raises DecodeError."""
        if len(data) > RECORD_BYTES_MAX:
            raise DecodeError("record", "too long", RECORD_BYTES_MAX)
        if len(data) < HEAD.size:
            raise DecodeError("record", "too short", len(data))
        form, key, owner, sequence, ttl_s, size = HEAD.unpack_from(data)
        if form != FORMAT:
            raise DecodeError("record", "unknown format")
        value_end = HEAD.size + size
        if len(data) != value_end + SIGNATURE_BYTES:
            raise DecodeError("record", "of another length than it says", value_end)
        value, signature = bytes(data[HEAD.size : value_end]), bytes(data[value_end:])
        return cls(key, PublicKey(owner), sequence, ttl_s, value, signature)

    def verify(self, crypto: Crypto = REAL) -> bool:
        """Tell whether the owner signed exactly this, or the key is the hash of the content."""
        if self.is_content:
            return self._has_key_of_content()
        unsigned = _unsigned(self.key, self.owner, self.sequence, self.ttl_s, self.value)
        return crypto.verify(self.owner, self.signature, LABEL + unsigned)

    def _has_key_of_content(self) -> bool:
        plain = self.sequence == CONTENT_SEQUENCE and self.signature == NO_SIGNATURE
        return plain and bool(self.value) and self.key == content_key(self.value)

    def __repr__(self) -> str:
        return f"Record(of {self.owner.node_id.short}, sequence {self.sequence})"


def _unsigned(key: bytes, owner: bytes, sequence: int, ttl_s: int, value: bytes) -> bytes:
    return HEAD.pack(FORMAT, key, owner, sequence, ttl_s, len(value)) + value


def node_key(node_id: NodeId) -> bytes:
    """Return the key of a node's own record: its id."""
    return bytes(node_id)


def name_key(name: str) -> bytes:
    """Return the key of the agents that claim a name, or a registry's uuid."""
    return _key(name, b"mesh99-name")


def capability_key(capability: str) -> bytes:
    """Return the key of the agents that offer a capability, whatever its case."""
    return _key(capability.lower(), b"mesh99-capable")


def shard_key(key: bytes, path: bytes) -> bytes:
    """Return the key of a shard of another key, named by half-bytes of its owners' ids; no path is the key itself."""
    return blake2b(key + path, digest_size=KEY_BYTES, person=b"mesh99-shard").digest() if path else key


def value_key(text: str) -> bytes:
    """Return the key of a value that people put under a text."""
    return _key(text, b"mesh99-value")


def content_key(value: bytes) -> bytes:
    """Return the key of content: the hash of the value itself."""
    return _hash(value, b"mesh99-content")


def _key(text: str, domain: bytes) -> bytes:
    return _hash(text.encode(), domain)


def _hash(data: bytes, domain: bytes) -> bytes:
    return blake2b(data, digest_size=KEY_BYTES, person=domain).digest()
