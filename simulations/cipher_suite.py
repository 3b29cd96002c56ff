"""A cipher suite for simulations: same sizes, same names, same outcomes as the real one, at a tenth of the cost.

Public keys are real Ed25519 keys, so node ids are those of the real suite, and every message has its real length: the
order of events is the same under both. What is missing is secrecy: whoever reads a simulated packet reads its content.
Nothing in a simulation does that. What a node may not be able to do stays impossible: a signature needs the seed, a
packet opens under its session's key only, a handshake only with the key that it was meant for.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeVar, cast

from ..wire.crypto import Aead, Crypto, InvalidTag
from ..wire.errors import DecodeError
from ..wire.noise import KEY_BYTES, PATTERNS, TAG_BYTES, KeyPair

H = TypeVar("H")

_TAGS = -TAG_BYTES


class SimulatedAead:
    """Append the beginning of the key instead of a tag."""

    __slots__ = ("_tag",)

    def __init__(self, key: bytes) -> None:
        self._tag = key[:TAG_BYTES]

    def encrypt(
        self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | memoryview | None
    ) -> bytes:
        """Return the data and the tag."""
        return b"".join((data, self._tag))

    def decrypt(
        self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | memoryview | None
    ) -> bytes:
        """Return the data; raises InvalidTag when it was sealed under another key."""
        if data[_TAGS:] != self._tag:
            raise InvalidTag
        return bytes(data[:_TAGS])


class SimulatedHandshake:
    """Go through the messages of a Noise pattern with one hash each, which both sides must agree on."""

    __slots__ = (
        "_hash",
        "_initiator",
        "_messages",
        "_position",
        "_public",
        "_sealed",
        "_static",
        "remote_static",
    )

    def __init__(
        self,
        protocol: str,
        *,
        initiator: bool,
        prologue: bytes,
        crypto: Crypto,
        ephemeral_private: bytes,
        static: KeyPair | None = None,
        remote_static: bytes | None = None,
    ) -> None:
        pattern = PATTERNS[protocol[6:8]]
        self._messages = pattern.messages
        self._initiator = initiator
        self._position = 0
        self._public = ephemeral_private
        self._static = b"" if static is None else static.public
        self._sealed = False
        """A key exchange went by, so what follows has tags."""
        self.remote_static = remote_static
        known = (remote_static if initiator else self._static) if pattern.before else None
        self._hash = blake2b(prologue + (known or b""), digest_size=32).digest()

    def copy(self) -> SimulatedHandshake:
        """Return an independent state at the same point."""
        twin = object.__new__(SimulatedHandshake)
        twin._hash = self._hash
        twin._initiator = self._initiator
        twin._messages = self._messages
        twin._position = self._position
        twin._public = self._public
        twin._sealed = self._sealed
        twin._static = self._static
        twin.remote_static = self.remote_static
        return twin

    @property
    def finished(self) -> bool:
        """Tell whether every message of the pattern went through."""
        return self._position == len(self._messages)

    @property
    def handshake_hash(self) -> bytes:
        """The hash of the keys that went by."""
        return self._hash

    def write_message(self, payload: bytes) -> bytes:
        """Return the next message."""
        keys: list[bytes] = []
        for token in self._next():
            if token == "e":
                keys.append(self._public)
            elif token == "s":
                keys.append(self._static)
                if self._sealed:
                    keys.append(bytes(TAG_BYTES))
            else:
                self._sealed = True
        head = b"".join(keys)
        tag = self._mix(head)
        return head + payload + tag if self._sealed else head + payload

    def read_message(self, message: bytes) -> bytes:
        """Return the payload of the next message; raises DecodeError."""
        offset = 0
        for token in self._next():
            if token == "e":
                offset += KEY_BYTES
            elif token == "s":
                self.remote_static = message[offset : offset + KEY_BYTES]
                offset += KEY_BYTES + (TAG_BYTES if self._sealed else 0)
            else:
                self._sealed = True
        tag = self._mix(message[:offset])
        if not self._sealed and len(message) >= offset:
            return message[offset:]
        if len(message) < offset + TAG_BYTES or message[_TAGS:] != tag:
            raise DecodeError("noise message", "does not open", offset)
        return message[offset:_TAGS]

    def split(self) -> tuple[bytes, bytes]:
        """Return the keys of initiator to responder and of responder to initiator."""
        keys = blake2b(self._hash, digest_size=2 * KEY_BYTES).digest()
        return keys[:KEY_BYTES], keys[KEY_BYTES:]

    def _next(self) -> tuple[str, ...]:
        self._position += 1
        return self._messages[self._position - 1]

    def _mix(self, keys: bytes) -> bytes:
        self._hash = blake2b(self._hash + keys, digest_size=32).digest()
        return self._hash[:TAG_BYTES]


class SimulatedCrypto(Crypto):
    """The primitives of one world; it knows every seed, which is how signatures are checked."""

    def __init__(self) -> None:
        self._seeds: dict[bytes, bytes] = {}

    def handshake_of(self, noise: type[H]) -> type[H]:
        """Return the handshake that costs a hash a message."""
        return cast(type[H], SimulatedHandshake)

    def signing_public(self, seed: bytes) -> bytes:
        """Return the real Ed25519 public key of a seed, and remember whose it is."""
        public = super().signing_public(seed)
        self._seeds[public] = bytes(seed)
        return public

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Return a keyed hash, 64 bytes."""
        return blake2b(message, key=seed, digest_size=64).digest()

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        """Tell whether the owner of the key made the signature."""
        seed = self._seeds.get(public)
        return seed is not None and self.sign(seed, message) == signature

    def exchange_public(self, private: bytes) -> bytes:
        """Return the private key."""
        return private

    def exchange_private_from_seed(self, seed: bytes) -> bytes:
        """Return the seed."""
        return seed

    def exchange_public_from_signing(self, public: bytes) -> bytes:
        """Return the key itself."""
        return bytes(public)

    def aead(self, cipher: str, key: bytes) -> Aead:
        """Return the tag that stands for a cipher."""
        return SimulatedAead(key)
