"""NodeRecord: what a node says about itself, as the value of a signed Record.

The value is a MessagePack array: endpoints (bytes each), name, capabilities, digest of the whole capability list, NAT
behaviour, relays (packed contacts), protocol version. The same value lies under the node's id, its name, and each capability.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from .codec import Reader, pack, unpack
from .contact import Contact
from .endpoint import Endpoint
from .errors import ConfigError, DecodeError
from .identity import Identity, NodeId, PublicKey
from .packet import VERSION
from .record import RECORD_BYTES_MAX, Record, node_key

ENDPOINTS_MAX = 8
RELAYS_MAX = 3
NAME_BYTES_MAX = 64
CAPABILITIES_MAX = 32
CAPABILITY_BYTES_MAX = 64
VALUE_BYTES_MAX = RECORD_BYTES_MAX - 79 - 64
"""What the head and the signature of a Record leave."""


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
    sequence: int = 0
    ttl_s: int = 1200

    def __post_init__(self) -> None:
        """Check the bounds."""
        if len(self.endpoints) > ENDPOINTS_MAX or len(self.relays) > RELAYS_MAX:
            raise ConfigError("endpoints", f"at most {ENDPOINTS_MAX}, and {RELAYS_MAX} relays")
        if len(self.name.encode()) > NAME_BYTES_MAX:
            raise ConfigError("name", f"at most {NAME_BYTES_MAX} bytes")
        if len(self.capabilities) > CAPABILITIES_MAX:
            raise ConfigError("capabilities", f"at most {CAPABILITIES_MAX}")
        for capability in self.capabilities:
            if not 1 <= len(capability.encode()) <= CAPABILITY_BYTES_MAX:
                raise ConfigError("capabilities", f"each has 1 to {CAPABILITY_BYTES_MAX} bytes")

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
        fields = unpack(record.value, "node record")
        if not isinstance(fields, list) or len(fields) < 7:
            raise DecodeError("node record", "no array of seven fields")
        endpoints, name, capabilities, _, nat, relays, version = fields[:7]
        try:
            return cls(
                public_key=record.owner,
                endpoints=tuple(_endpoint(item) for item in _items(endpoints, bytes)),
                name=_typed(name, str),
                capabilities=tuple(_items(capabilities, str)),
                nat=_typed(nat, str),
                relays=tuple(_contact(item) for item in _items(relays, bytes)),
                protocol_version=_typed(version, int),
                sequence=record.sequence,
                ttl_s=record.ttl_s,
            )
        except ConfigError as error:
            raise DecodeError("node record", str(error)) from None

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
            "sequence": self.sequence,
            "ttl_s": self.ttl_s,
        }

    def _value(self) -> bytes:
        digest = blake2b("\n".join(self.capabilities).encode(), digest_size=8).digest()
        endpoints = [endpoint.pack() for endpoint in self.endpoints]
        relays = [relay.pack() for relay in self.relays]
        for kept in range(len(self.capabilities), -1, -1):
            capabilities = list(self.capabilities[:kept])
            value = pack([endpoints, self.name, capabilities, digest, self.nat, relays, self.protocol_version])
            if len(value) <= VALUE_BYTES_MAX:
                return value
        raise ConfigError("endpoints", "do not fit a node record")


def _typed(value: object, kind: type) -> object:
    if type(value) is not kind:
        raise DecodeError("node record", f"a field is no {kind.__name__}")
    return value


def _items(value: object, kind: type) -> list[object]:
    return [_typed(item, kind) for item in _typed(value, list)]


def _endpoint(data: bytes) -> Endpoint:
    reader = Reader(data, "endpoint")
    endpoint = Endpoint.unpack(reader)
    reader.end()
    return endpoint


def _contact(data: bytes) -> Contact:
    reader = Reader(data, "contact")
    contact = Contact.unpack(reader)
    reader.end()
    return contact
