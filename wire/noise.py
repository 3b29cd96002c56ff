"""The Noise protocol framework (noiseprotocol.org, revision 34): handshakes by pattern, cipher and hash.

Patterns NN, XK, IK and XX over X25519, with ChaChaPoly or AESGCM and SHA256, BLAKE2s or BLAKE2b. A HandshakeState turns
payloads into messages and back until its pattern is through; `split` then gives one key per direction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from .crypto import AES, CHACHA, Aead, Crypto, InvalidTag
from .errors import DecodeError

MESSAGE_BYTES_MAX = 65_535
"""Section 3 of the framework."""

KEY_BYTES = 32
TAG_BYTES = 16

CIPHERS = {"ChaChaPoly": CHACHA, "AESGCM": AES}
HASHES: dict[str, Callable[..., Any]] = {
    "SHA256": hashlib.sha256,
    "BLAKE2s": hashlib.blake2s,
    "BLAKE2b": hashlib.blake2b,
}


_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


class Pattern(NamedTuple):
    """Tokens known before the handshake, and of each message in turn, the initiator's first."""

    before: tuple[str, ...]
    messages: tuple[tuple[str, ...], ...]


PATTERNS = {
    "NN": Pattern((), (("e",), ("e", "ee"))),
    "XK": Pattern(("rs",), (("e", "es"), ("e", "ee"), ("s", "se"))),
    "IK": Pattern(("rs",), (("e", "es", "s", "ss"), ("e", "ee", "se"))),
    "XX": Pattern((), (("e",), ("e", "ee", "s", "es"), ("s", "se"))),
}


class KeyPair(NamedTuple):
    """An X25519 key pair."""

    private: bytes
    public: bytes


class HandshakeState:
    """One side of a handshake (section 5.3). The ephemeral key must be fresh: it serves this handshake alone."""

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
        """Take a protocol name such as `Noise_IK_25519_ChaChaPoly_SHA256`; raises ValueError for an unknown one."""
        pattern, cipher, new_hash = _parts_of(protocol)
        self._crypto = crypto
        self._initiator = initiator
        self._symmetric = _SymmetricState(protocol, crypto, cipher, new_hash)
        self._static = static
        self._ephemeral = KeyPair(ephemeral_private, crypto.exchange_public(ephemeral_private))
        self._remote_ephemeral: bytes | None = None
        self.remote_static = remote_static
        self._messages = pattern.messages
        self._position = 0
        self._symmetric.mix_hash(prologue)
        if pattern.before:
            responder_static = remote_static if initiator else static and static.public
            if responder_static is None:
                raise ValueError(f"{protocol} needs the responder's static key")
            self._symmetric.mix_hash(responder_static)

    def copy(self) -> HandshakeState:
        """Return an independent state at the same point."""
        twin = object.__new__(HandshakeState)
        twin.__dict__.update(self.__dict__)
        twin._symmetric = self._symmetric.copy()
        return twin

    @property
    def finished(self) -> bool:
        """Tell whether every message of the pattern went through."""
        return self._position == len(self._messages)

    @property
    def handshake_hash(self) -> bytes:
        """The hash of the whole transcript: a name for this session that both sides share."""
        return self._symmetric.hash

    def write_message(self, payload: bytes) -> bytes:
        """Return the next message with a payload in it, encrypted as soon as the pattern allows.

        Raises DecodeError when the key that the other side gave is of low order: XX mixes it only here.
        """
        tokens = self._next_tokens(writing=True)
        try:
            parts = [self._write_token(token) for token in tokens]
        except ValueError:
            raise DecodeError("noise message", "a public key of low order") from None
        parts.append(self._symmetric.encrypt_and_hash(payload))
        message = b"".join(parts)
        if len(message) > MESSAGE_BYTES_MAX:
            raise ValueError(f"a Noise message of {len(message)} bytes")
        return message

    def read_message(self, message: bytes) -> bytes:
        """Return the payload of the next message; raises DecodeError, after which this state is of no use."""
        tokens = self._next_tokens(writing=False)
        if len(message) > MESSAGE_BYTES_MAX:
            raise DecodeError("noise message", "too long", MESSAGE_BYTES_MAX)
        offset = 0
        try:
            for token in tokens:
                offset = self._read_token(token, message, offset)
            return self._symmetric.decrypt_and_hash(message[offset:])
        except (InvalidTag, ValueError):
            raise DecodeError("noise message", "does not open", offset) from None

    def split(self) -> tuple[bytes, bytes]:
        """Return the keys of initiator to responder and of responder to initiator."""
        assert self.finished, "the keys come after the last message"
        return self._symmetric.split()

    def _next_tokens(self, *, writing: bool) -> tuple[str, ...]:
        assert not self.finished, "the handshake is over"
        initiators_turn = self._position % 2 == 0
        assert writing == (initiators_turn == self._initiator), "it is the other side's turn"
        self._position += 1
        return self._messages[self._position - 1]

    def _write_token(self, token: str) -> bytes:
        if token == "e":
            self._symmetric.mix_hash(self._ephemeral.public)
            return self._ephemeral.public
        if token == "s":
            assert self._static is not None, "the pattern needs a static key"
            return self._symmetric.encrypt_and_hash(self._static.public)
        self._mix_exchange(token)
        return b""

    def _read_token(self, token: str, message: bytes, offset: int) -> int:
        if token == "e":
            end = offset + KEY_BYTES
            self._remote_ephemeral = _exactly(message[offset:end], KEY_BYTES)
            self._symmetric.mix_hash(self._remote_ephemeral)
            return end
        if token == "s":
            end = offset + KEY_BYTES + (TAG_BYTES if self._symmetric.has_key else 0)
            self.remote_static = _exactly(self._symmetric.decrypt_and_hash(message[offset:end]), KEY_BYTES)
            return end
        self._mix_exchange(token)
        return offset

    def _mix_exchange(self, token: str) -> None:
        """Mix a shared secret; the token names the initiator's key first."""
        ours, theirs = (token[0], token[1]) if self._initiator else (token[1], token[0])
        pair = self._ephemeral if ours == "e" else self._static
        public = self._remote_ephemeral if theirs == "e" else self.remote_static
        assert pair is not None, "the pattern needs a static key"
        assert public is not None, "the pattern gives the remote key before it is mixed"
        self._symmetric.mix_key(self._crypto.exchange(pair.private, public))


class _SymmetricState:
    """Chaining key, transcript hash and cipher of a handshake (section 5.2)."""

    __slots__ = ("_aead", "_chaining_key", "_cipher", "_counter", "_crypto", "_hash", "hash")

    def __init__(self, protocol: str, crypto: Crypto, cipher: str, new_hash: Callable[..., Any]) -> None:
        self._crypto = crypto
        self._cipher = cipher
        self._hash = new_hash
        name, size = protocol.encode(), new_hash().digest_size
        self.hash: bytes = name.ljust(size, b"\x00") if len(name) <= size else new_hash(name).digest()
        self._chaining_key = self.hash
        self._aead: Aead | None = None
        self._counter = 0

    def copy(self) -> _SymmetricState:
        twin = object.__new__(_SymmetricState)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    @property
    def has_key(self) -> bool:
        return self._aead is not None

    def mix_hash(self, data: bytes) -> None:
        self.hash = self._hash(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self._chaining_key, key = self._expand(material)
        self._aead = self._crypto.aead(self._cipher, key[:KEY_BYTES])
        self._counter = 0

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        data = plaintext
        if self._aead is not None:
            data = self._aead.encrypt(self._next_nonce(), plaintext, self.hash)
        self.mix_hash(data)
        return data

    def decrypt_and_hash(self, data: bytes) -> bytes:
        plaintext = data
        if self._aead is not None:
            plaintext = self._aead.decrypt(self._next_nonce(), data, self.hash)
        self.mix_hash(data)
        return plaintext

    def split(self) -> tuple[bytes, bytes]:
        first, second = self._expand(b"")
        return first[:KEY_BYTES], second[:KEY_BYTES]

    def _next_nonce(self) -> bytes:
        counter, self._counter = self._counter, self._counter + 1
        return nonce_of(self._cipher, counter)

    def _expand(self, material: bytes) -> tuple[bytes, bytes]:
        """HKDF with two outputs (section 4.3)."""
        base = _hmac(self._hash, self._chaining_key, material)
        first = _hmac(self._hash, base, b"\x01")
        return first, _hmac(self._hash, base, first + b"\x02")


def _hmac(new_hash: Callable[..., Any], key: bytes, message: bytes) -> bytes:
    """RFC 2104, for keys of a hash's length: two hashes take 1.8 us, hmac.digest 3.3, and a session needs thirty."""
    block = key.ljust(new_hash().block_size, b"\x00")
    inner = new_hash(block.translate(_INNER_PAD) + message).digest()
    return bytes(new_hash(block.translate(_OUTER_PAD) + inner).digest())


def nonce_of(cipher: str, counter: int) -> bytes:
    """Return the 12-byte nonce of a counter (section 12: little-endian for ChaChaPoly, big-endian for AESGCM)."""
    return b"\x00\x00\x00\x00" + counter.to_bytes(8, "little" if cipher == CHACHA else "big")


@lru_cache(maxsize=len(PATTERNS) * len(CIPHERS) * len(HASHES))
def _parts_of(protocol: str) -> tuple[Pattern, str, Callable[..., Any]]:
    parts = protocol.split("_")
    known = len(parts) == 5 and parts[0] == "Noise" and parts[2] == "25519"
    if not known or parts[1] not in PATTERNS or parts[3] not in CIPHERS or parts[4] not in HASHES:
        raise ValueError(f"unknown Noise protocol {protocol}")
    return PATTERNS[parts[1]], CIPHERS[parts[3]], HASHES[parts[4]]


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError("too short")
    return data
