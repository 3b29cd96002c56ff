"""Who a node is: an Ed25519 key, and the 256-bit NodeId that is its hash.

One 32-byte key names, signs and encrypts: its X25519 form (libsodium's map) is the Noise static key. Joint use is
analysed by Thormarker, ePrint 2021/509; every signature and every derived secret carries a label of its own, so that
domains stay apart.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from hashlib import blake2b

from .crypto import REAL, Crypto
from .errors import ConfigError
from .memo import memo

ID_BYTES = 32
TEXT_LENGTH = 52
"""32 bytes in base32 without padding."""

SHORT_LENGTH = 8
"""40 bits: people can read it aloud, and two nodes of a million share one with probability 0.4."""

NODE_ID_HINT = "a node id is 52 letters and digits, as `mesh99 status` shows it"

IDS_CACHED = 8192
"""NodeIds remembered by public key and by text, about 250 bytes each."""


class NodeId(bytes):
    """Name a node: the hash of its public key. Nobody chooses one, everybody can check one."""

    __slots__ = ()

    @classmethod
    def of(cls, public_key: bytes) -> NodeId:
        """Return the id of a public key."""
        return _node_id(bytes(public_key))

    @classmethod
    def parse(cls, text: str) -> NodeId:
        """Read the 52-character form; raises ConfigError."""
        return _parsed(text)

    @classmethod
    def lowest_with_short(cls, short: str) -> NodeId:
        """Return the lowest id that begins with a short form; raises ConfigError."""
        return cls.parse(short + "a" * (TEXT_LENGTH - len(short)))

    @property
    def number(self) -> int:
        """The id as an integer, most significant byte first."""
        return int.from_bytes(self, "big")

    @property
    def text(self) -> str:
        """Lower-case base32 without padding, 52 characters."""
        return base64.b32encode(self).decode().rstrip("=").lower()

    @property
    def short(self) -> str:
        """The first 8 characters of `text`."""
        return self.text[:SHORT_LENGTH]

    def distance(self, other: bytes) -> int:
        """Return the XOR distance (Maymounkov and Mazieres 2002, section 2.1)."""
        return self.number ^ int.from_bytes(other, "big")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"NodeId({self.short})"


@memo(IDS_CACHED)
def _parsed(text: str) -> NodeId:
    """Programs name their peers by text in every request: reading it again takes a third of the whole request."""
    cleaned = text.strip().lower()
    try:
        node_id = NodeId(base64.b32decode(cleaned.upper() + "===="))
    except (binascii.Error, ValueError):
        raise ConfigError("node id", f"{text!r} is not one", NODE_ID_HINT) from None
    if len(node_id) != ID_BYTES or node_id.text != cleaned:
        raise ConfigError("node id", f"{text!r} is not one", NODE_ID_HINT)
    return node_id


@memo(IDS_CACHED)
def _node_id(public_key: bytes) -> NodeId:
    return NodeId(blake2b(public_key, digest_size=ID_BYTES, person=b"mesh99-node-id").digest())


class PublicKey(bytes):
    """An Ed25519 public key, 32 bytes."""

    __slots__ = ()

    @property
    def node_id(self) -> NodeId:
        """The NodeId it makes."""
        return NodeId.of(self)

    @property
    def text(self) -> str:
        """Hexadecimal."""
        return self.hex()

    def __repr__(self) -> str:
        return f"PublicKey({self.node_id.short})"


class Identity:
    """A node's private key and what follows from it."""

    __slots__ = (
        "_derived",
        "_seed",
        "crypto",
        "exchange_private",
        "exchange_public",
        "node_id",
        "public_key",
    )

    def __init__(self, seed: bytes, crypto: Crypto = REAL) -> None:
        """Take a 32-byte Ed25519 seed; raises ValueError for another length."""
        if len(seed) != 32:
            raise ValueError("an identity seed has 32 bytes")
        self._seed = seed
        self._derived: dict[str, bytes] = {}
        self.crypto = crypto
        self.public_key = PublicKey(crypto.signing_public(seed))
        self.node_id = self.public_key.node_id
        self.exchange_private = crypto.exchange_private_from_seed(seed)
        self.exchange_public = crypto.exchange_public_from_signing(self.public_key)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes], crypto: Crypto = REAL) -> Identity:
        """Make a new identity from 32 bytes of entropy."""
        return cls(entropy(32), crypto)

    @property
    def seed(self) -> bytes:
        """The secret itself, for the identity file only."""
        return self._seed

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature on a message, which must begin with a label of its domain."""
        return self.crypto.sign(self._seed, message)

    def derive(self, label: str) -> bytes:
        """Return a 32-byte secret for another use, the same each time; labels have at most 16 bytes."""
        secret = self._derived.get(label)
        if secret is None:
            person = label.encode()
            secret = blake2b(b"mesh99 derived secret", key=self._seed, person=person, digest_size=32).digest()
            self._derived[label] = secret
        return secret

    def __repr__(self) -> str:
        return f"Identity({self.node_id.short})"
