"""The one place that calls cryptographic libraries.

PyNaCl (libsodium) signs, verifies and does X25519: OpenSSL's signatures take 1.35 to 1.6 times as long, and its X25519
twice as long, because loading a private key computes the public one. `cryptography` (OpenSSL) does the AEADs: 4.4 times
faster than PyNaCl for 256 bytes. All measured. Everything that needs a primitive holds a Crypto, so that a simulation
may hand in a cheaper one.

PyNaCl's bindings hand pointers to C without looking at lengths, so lengths are checked here.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from nacl import bindings
from nacl.exceptions import CryptoError

from .memo import memo

CHACHA = "chacha20poly1305"
AES = "aes256gcm"

KEY_BYTES = 32
SIGNATURE_BYTES = 64

KEYS_CACHED = 4096
"""Converted public keys remembered, about 250 bytes each; a conversion costs 50 us."""


H = TypeVar("H")


class Aead(Protocol):
    """An authenticated cipher under one key."""

    def encrypt(
        self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | memoryview | None
    ) -> bytes:
        """Return the ciphertext and its tag of 16 bytes."""
        ...

    def decrypt(
        self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | memoryview | None
    ) -> bytes:
        """Return the plaintext; raises InvalidTag."""
        ...


class Crypto:
    """Real cryptography."""

    def exchange_public(self, private: bytes) -> bytes:
        """Return the X25519 public key of a private key."""
        _check(private, KEY_BYTES)
        return bindings.crypto_scalarmult_base(private)

    def exchange(self, private: bytes, public: bytes) -> bytes:
        """Return the X25519 shared secret; raises ValueError for a public key of low order (RFC 7748, section 6.1)."""
        _check(private, KEY_BYTES)
        _check(public, KEY_BYTES)
        try:
            return bindings.crypto_scalarmult(private, public)
        except CryptoError:
            raise ValueError("a public key of low order") from None

    def signing_public(self, seed: bytes) -> bytes:
        """Return the Ed25519 public key of a 32-byte seed."""
        return _signing_secret(seed)[KEY_BYTES:]

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature."""
        return bindings.crypto_sign(message, _signing_secret(seed))[:SIGNATURE_BYTES]

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature is the key's on the message (libsodium's strict rules: no key of low order)."""
        if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            return False
        try:
            bindings.crypto_sign_open(signature + message, public)
        except CryptoError:
            return False
        return True

    def exchange_private_from_seed(self, seed: bytes) -> bytes:
        """Return the X25519 private key that belongs to an Ed25519 seed (libsodium's map)."""
        return bindings.crypto_sign_ed25519_sk_to_curve25519(_signing_secret(seed))

    def exchange_public_from_signing(self, public: bytes) -> bytes:
        """Return the X25519 public key of an Ed25519 one; raises ValueError for what is no point of its group."""
        return _converted(bytes(public))

    def aead(self, cipher: str, key: bytes) -> Aead:
        """Return the named cipher under a 32-byte key."""
        _check(key, KEY_BYTES)
        return AESGCM(key) if cipher == AES else ChaCha20Poly1305(key)

    def handshake_of(self, noise: type[H]) -> type[H]:
        """Return the class of handshake states: Noise's own, unless a suite has something cheaper with its form."""
        return noise


def _check(data: bytes, size: int) -> None:
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes where {size} are needed")


@lru_cache(maxsize=64)
def _signing_secret(seed: bytes) -> bytes:
    """Return seed and public key, libsodium's form of an Ed25519 private key."""
    return bindings.crypto_sign_seed_keypair(seed)[1]


@memo(KEYS_CACHED)
def _converted(public: bytes) -> bytes:
    try:
        return bindings.crypto_sign_ed25519_pk_to_curve25519(public)
    except CryptoError:
        raise ValueError("not a point of the group") from None


@lru_cache(maxsize=1)
def aes_in_hardware() -> bool:
    """Tell whether this processor has AES instructions, without which ChaCha20 is the faster cipher."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    lines = (line for line in flags.splitlines() if line.startswith(("flags", "Features")))
    return any("aes" in line.split() for line in lines)


REAL = Crypto()

__all__ = ["AES", "CHACHA", "REAL", "Aead", "Crypto", "InvalidTag", "aes_in_hardware"]
