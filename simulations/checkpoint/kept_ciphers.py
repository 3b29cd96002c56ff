"""The real cipher suite for runs that can be put aside: OpenSSL's ciphers do not tell their keys, these keep them.

Key and cipher name are all that a cipher is made of (nonces are counters of the sessions), so one that is read back
seals and opens the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from ...wire.crypto import REAL, Aead, Crypto

Code = Callable[[bytes, "bytes | memoryview", "bytes | memoryview | None"], bytes]


class KeptAead:
    """A real cipher that can be pickled; a call goes straight to OpenSSL."""

    __slots__ = ("_cipher", "_key", "decrypt", "encrypt")

    def __init__(self, cipher: str, key: bytes) -> None:
        aead = REAL.aead(cipher, key)
        self._cipher = cipher
        self._key = bytes(key)
        self.encrypt: Code = aead.encrypt
        self.decrypt: Code = aead.decrypt

    def __reduce__(self) -> tuple[type[KeptAead], tuple[str, bytes]]:
        return KeptAead, (self._cipher, self._key)


class KeptCiphers(Crypto):
    """Real cryptography whose ciphers can be pickled."""

    def aead(self, cipher: str, key: bytes) -> Aead:
        """Return the named cipher under a 32-byte key."""
        return KeptAead(cipher, key)
