"""NodeRecord: what a node says about itself, as the value of a signed Record.

The value is a MessagePack array: endpoints (packed, each), name, capabilities, digest of the whole capability list, NAT
behaviour, relays (packed contacts), protocol version. The same value lies under the node's id, its name, and each
capability; there the attributes of that capability follow, if it has any. When it does not fit, the capabilities' tail
is left out; the digest still tells whether a list is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

from .attributes import Attributes, checked, flat, unflat
from .codec import Reader, pack, unpack
from .contact import Contact
from .endpoint import Endpoint
from .errors import ConfigError, DecodeError
from .identity import Identity, NodeId, PublicKey
from .packet import VERSION
from .record import VALUE_BYTES_MAX, Record, node_key

ENDPOINTS_MAX = 8
RELAYS_MAX = 3
NAME_BYTES_MAX = 64
CAPABILITIES_MAX = 32
CAPABILITY_BYTES_MAX = 64
NAT_BYTES_MAX = 32
VERSION_MAX = 255
DIGEST_BYTES = 8

_WHAT = "node record"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """Describe a node; bounds are checked when it is made (ConfigError)."""

    public_key: PublicKey
    endpoints: tuple[Endpoint, ...] = ()
    name: str = ""
    capabilities: tuple[str, ...] = ()
    nat: str = "unknown"
    relays: tuple[Contact, ...] = ()
    protocol_version: int = VERSION
    attributes: Attributes = field(default_factory=dict, hash=False)
    sequence: int = 0
    ttl_s: int = 1200

    def __post_init__(self) -> None:
        """Check the bounds; raises ConfigError."""
        _check_count("endpoints", len(self.endpoints), ENDPOINTS_MAX)
        _check_count("relays", len(self.relays), RELAYS_MAX)
        _check_count("capabilities", len(self.capabilities), CAPABILITIES_MAX)
        _check_text("name", self.name, 0, NAME_BYTES_MAX)
        _check_text("nat", self.nat, 0, NAT_BYTES_MAX)
        for capability in self.capabilities:
            _check_text("capabilities", capability, 1, CAPABILITY_BYTES_MAX)
        if not 0 <= self.protocol_version <= VERSION_MAX:
            raise ConfigError("protocol version", f"0 to {VERSION_MAX}")
        checked(self.attributes)

    @property
    def node_id(self) -> NodeId:
        """The id that the public key makes."""
        return self.public_key.node_id

    def contact(self) -> Contact | None:
        """Return how to call the node over UDP, or None when it names no such endpoint."""
        endpoint = next((endpoint for endpoint in self.endpoints if endpoint.transport == "udp"), None)
        return Contact(self.public_key, endpoint) if endpoint is not None else None

    def to_record(self, identity: Identity, key: bytes | None = None) -> Record:
        """Sign this under a key (default: the node's id), with as many capabilities as fit."""
        key = node_key(self.node_id) if key is None else key
        return Record.create(identity, key, self._value(), sequence=self.sequence, ttl_s=self.ttl_s)

    @classmethod
    def from_record(cls, record: Record) -> NodeRecord:
        """Read a record's value; raises DecodeError. The signature is the reader's to check."""
        fields = unpack(record.value, _WHAT)
        if type(fields) is not list or len(fields) < 7:
            raise DecodeError(_WHAT, "no array of seven fields")
        endpoints, name, capabilities, _, nat, relays, version = fields[:7]
        try:
            return cls(
                public_key=record.owner,
                endpoints=_whole(endpoints, Endpoint.unpack),
                name=_typed(name, str),
                capabilities=tuple(_typed(item, str) for item in _typed(capabilities, list)),
                nat=_typed(nat, str),
                relays=_whole(relays, Contact.unpack),
                protocol_version=_typed(version, int),
                attributes=unflat(fields[7], _WHAT) if len(fields) > 7 else {},
                sequence=record.sequence,
                ttl_s=record.ttl_s,
            )
        except ConfigError as error:
            raise DecodeError(_WHAT, f"{error.field} out of bounds") from None

    def to_json(self) -> dict[str, object]:
        """Return it for people and programs that read JSON."""
        return {
            "node_id": self.node_id.text,
            "name": self.name,
            "public_key": self.public_key.hex(),
            "endpoints": [str(endpoint) for endpoint in self.endpoints],
            "capabilities": list(self.capabilities),
            "nat": self.nat,
            "relays": [relay.node_id.text for relay in self.relays],
            "protocol_version": self.protocol_version,
            "attributes": dict(self.attributes),
            "sequence": self.sequence,
            "ttl_s": self.ttl_s,
        }

    def _value(self) -> bytes:
        digest = blake2b("\n".join(self.capabilities).encode(), digest_size=DIGEST_BYTES).digest()
        endpoints = [endpoint.pack() for endpoint in self.endpoints]
        relays = [relay.pack() for relay in self.relays]
        attributes = [flat(self.attributes)] if self.attributes else []
        for kept in range(len(self.capabilities), -1, -1):
            capabilities = self.capabilities[:kept]
            said = [endpoints, self.name, capabilities, digest, self.nat, relays, self.protocol_version]
            value = pack([*said, *attributes])
            if len(value) <= VALUE_BYTES_MAX:
                break
        return value


def _check_count(field: str, count: int, most: int) -> None:
    if count > most:
        raise ConfigError(field, f"{count} where at most {most} fit a record")


def _check_text(field: str, text: str, least: int, most: int) -> None:
    """Refuse also what could move the cursor of a terminal or pass for another name."""
    if not text.isprintable():
        raise ConfigError(field, f"{text!r} holds characters that cannot be printed")
    if not least <= len(text.encode()) <= most:
        raise ConfigError(field, f"{text!r} is not {least} to {most} bytes long")


def _typed(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise DecodeError(_WHAT, f"a field is no {kind.__name__}")
    return value


def _whole(value: object, unpack_one: Callable[[Reader], T]) -> tuple[T, ...]:
    readers = [Reader(_typed(item, bytes), _WHAT) for item in _typed(value, list)]
    items = tuple(unpack_one(reader) for reader in readers)
    for reader in readers:
        reader.end()
    return items
