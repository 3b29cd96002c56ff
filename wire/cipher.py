"""Seal and open data packets under keys that move on.

Each direction has a secret that is ratcheted one way (keyed BLAKE2b) to make the secret of the next epoch: after 2^20
packets or 120 seconds of use, WireGuard's period. An old secret cannot be computed from a newer one, so what was
recorded stays closed when a later key leaks. The nonce is the packet's counter, which never starts again; the header
is authenticated.

A cipher object holds 2.4 KiB in OpenSSL and is made in microseconds: `rest` lets it go while a session is silent.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

from .crypto import Aead, Crypto, InvalidTag
from .packet import DATA, DATA_HEADER, EPOCH_MASK
from .replay import ReplayWindow

EPOCH_PACKETS_MAX = 1 << 20
EPOCH_S_MAX = 120.0
PREVIOUS_S = 10.0
"""How long packets of the epoch before may still arrive: far over any reordering, short for a secret to linger."""

AHEAD_MAX = 4
"""Epochs a sender may be ahead: all packets of some epochs may have been lost."""

TAG_BYTES = 16
SEAL_BYTES = DATA_HEADER.size + TAG_BYTES
"""What a data packet adds to its frames: header and tag."""

NEVER = float("inf")
NONCE = struct.Struct(">4xQ")
VIEW_BYTES_MIN = 4096
"""Packets from here on are sliced as views; below, copying costs less."""


def next_secret(secret: bytes) -> bytes:
    """Return the secret of the next epoch."""
    return blake2b(key=secret, digest_size=32, person=b"mesh99-next").digest()


def packet_key(secret: bytes) -> bytes:
    """Return the AEAD key of an epoch's secret."""
    return blake2b(key=secret, digest_size=32, person=b"mesh99-packet").digest()


class SealingKey:
    """Seal packets of one direction."""

    __slots__ = (
        "_aead",
        "_cipher",
        "_crypto",
        "_epoch_counter",
        "_epoch_until",
        "_kind",
        "_remote_id",
        "_secret",
        "counter",
    )

    def __init__(self, secret: bytes, cipher: str, remote_id: int, crypto: Crypto) -> None:
        self._secret = secret
        self._cipher = cipher
        self._crypto = crypto
        self._remote_id = remote_id
        self._aead: Aead | None = None
        self._kind = DATA
        self.counter = 0
        """Counter of the next packet."""
        self._epoch_counter = EPOCH_PACKETS_MAX
        self._epoch_until = NEVER

    def seal(self, plaintext: bytes, now: float) -> bytes:
        """Return the data packet that holds the plaintext."""
        counter = self.counter
        aead = self._aead
        if aead is None or now >= self._epoch_until or counter >= self._epoch_counter:
            aead = self._prepare(now)
        self.counter = counter + 1
        header = DATA_HEADER.pack(self._kind, self._remote_id, counter)
        return header + aead.encrypt(NONCE.pack(counter), plaintext, header)

    def rest(self) -> None:
        """Let the cipher go; the next packet makes it again."""
        self._aead = None

    def _prepare(self, now: float) -> Aead:
        if self._epoch_until == NEVER:
            self._epoch_until = now + EPOCH_S_MAX
        elif now >= self._epoch_until or self.counter >= self._epoch_counter:
            self._secret = next_secret(self._secret)
            self._kind = DATA | ((self._kind + 1) & EPOCH_MASK)
            self._epoch_counter = self.counter + EPOCH_PACKETS_MAX
            self._epoch_until = now + EPOCH_S_MAX
        self._aead = self._crypto.aead(self._cipher, packet_key(self._secret))
        return self._aead


class OpeningKey:
    """Open packets of the other direction, each once."""

    __slots__ = ("_aead", "_cipher", "_crypto", "_epoch", "_previous", "_previous_until", "_secret", "window")

    def __init__(self, secret: bytes, cipher: str, crypto: Crypto) -> None:
        self._secret = secret
        self._cipher = cipher
        self._crypto = crypto
        self._epoch = 0
        self._aead: Aead | None = None
        self._previous: Aead | None = None
        self._previous_until = 0.0
        self.window = ReplayWindow()

    def open(self, packet: bytes | memoryview, counter: int, now: float) -> bytes | None:
        """Return the plaintext of a data packet, or None when it is a forgery or of an unknown epoch."""
        ahead = (packet[0] - self._epoch) & EPOCH_MASK
        header = packet[:17]
        sealed = packet[17:] if len(packet) < VIEW_BYTES_MIN else memoryview(packet)[17:]
        try:
            if not ahead:
                aead = self._aead or self._prepare()
                return aead.decrypt(NONCE.pack(counter), sealed, header)
            if ahead == EPOCH_MASK:
                return self._open_previous(NONCE.pack(counter), sealed, header, now)
            if ahead <= AHEAD_MAX:
                return self._open_ahead(ahead, NONCE.pack(counter), sealed, header, now)
        except InvalidTag:
            return None
        return None

    def rest(self) -> None:
        """Let the ciphers go; the next packet makes them again."""
        self._aead = self._previous = None

    def _prepare(self) -> Aead:
        self._aead = self._crypto.aead(self._cipher, packet_key(self._secret))
        return self._aead

    def _open_previous(
        self, nonce: bytes, sealed: bytes | memoryview, header: bytes | memoryview, now: float
    ) -> bytes | None:
        if now > self._previous_until:
            self._previous = None
        return self._previous.decrypt(nonce, sealed, header) if self._previous is not None else None

    def _open_ahead(
        self, ahead: int, nonce: bytes, sealed: bytes | memoryview, header: bytes | memoryview, now: float
    ) -> bytes:
        """Try a newer epoch; only a packet that opens moves this side on."""
        secret = self._secret
        for _ in range(ahead):
            before, secret = secret, next_secret(secret)
        aead = self._crypto.aead(self._cipher, packet_key(secret))
        plaintext = aead.decrypt(nonce, sealed, header)
        self._previous = self._crypto.aead(self._cipher, packet_key(before))
        self._previous_until = now + PREVIOUS_S
        self._secret, self._aead = secret, aead
        self._epoch += ahead
        return plaintext
