"""What every handshake of a node says and demands."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from .crypto import aes_in_hardware
from .errors import ConfigError
from .handshake_payload import BOXED, CIPHER_AES, CIPHER_CHACHA, EPHEMERAL, SERVES
from .packet import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeSettings:
    """What both sides of a network agree on, and what this side offers."""

    network: str = "mesh99"
    """Name of the network."""

    tcp_port: int = 0
    """Where this node listens for TCP; 0: it does not."""

    serves: bool = False
    """Whether this node relays for others."""

    version: int = VERSION
    """Protocol version spoken."""

    aes: bool | None = None
    """Offer AES-256-GCM; None: when this processor has AES instructions."""

    ephemeral: bool = False
    """This node asks not to be listed by those whom it meets."""

    boxed: bool = False
    """It was not found that strangers reach this node."""

    prologue: bytes = field(init=False, repr=False)
    """What both transcripts begin with."""

    tag: bytes = field(init=False, repr=False)
    """Four bytes that tell networks apart before any cryptography."""

    flags: int = field(init=False, repr=False)
    """What every payload of this side says about it."""

    ciphers: int = field(init=False, repr=False)
    """The bits of the ciphers offered."""

    def __post_init__(self) -> None:
        """Check the network's name, and work out once what every handshake says; raises ConfigError."""
        if not 1 <= len(self.network.encode()) <= 64:
            raise ConfigError("network", "must be 1 to 64 bytes long")
        said = {EPHEMERAL: self.ephemeral, SERVES: self.serves, BOXED: self.boxed}
        aes = aes_in_hardware() if self.aes is None else self.aes
        follows = {
            "prologue": b"mesh99" + bytes((self.version,)) + self.network.encode(),
            "tag": _network_tag(self.network),
            "flags": sum(flag for flag, is_so in said.items() if is_so),
            "ciphers": CIPHER_CHACHA | (CIPHER_AES if aes else 0),
        }
        for name, value in follows.items():
            object.__setattr__(self, name, value)


@lru_cache(maxsize=64)
def _network_tag(network: str) -> bytes:
    return blake2b(network.encode(), digest_size=4, person=b"mesh99-network").digest()
