"""The attributes of STUN and TURN that are spoken here, and how their values are written (RFC 8489, 8656, 5780).

Values are read by functions that raise DecodeError; the caller knows which one an attribute needs. Attributes below
0x8000 must be understood by who gets them, or the request is refused with 420.
"""

from __future__ import annotations

import ipaddress
from enum import IntEnum

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from ...wire.memo import memo
from .message import MAGIC_COOKIE, StunMessage

COMPREHENSION_OPTIONAL = 0x8000
"""Types from here on may be ignored by who does not know them."""

REASON_BYTES_MAX = 763
"""Longest reason phrase of an ERROR-CODE (section 14.8)."""


class Attribute(IntEnum):
    """Types of attributes."""

    MAPPED_ADDRESS = 0x0001
    CHANGE_REQUEST = 0x0003
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    EVEN_PORT = 0x0018
    REQUESTED_TRANSPORT = 0x0019
    DONT_FRAGMENT = 0x001A
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    USERHASH = 0x001E
    XOR_MAPPED_ADDRESS = 0x0020
    RESERVATION_TOKEN = 0x0022
    PADDING = 0x0026
    RESPONSE_PORT = 0x0027
    ADDITIONAL_ADDRESS_FAMILY = 0x8000
    ADDRESS_ERROR_CODE = 0x8001
    PASSWORD_ALGORITHMS = 0x8002
    ICMP = 0x8004
    SOFTWARE = 0x8022
    ALTERNATE_SERVER = 0x8023
    FINGERPRINT = 0x8028
    RESPONSE_ORIGIN = 0x802B
    OTHER_ADDRESS = 0x802C


class ErrorCode(IntEnum):
    """Why a request was refused (RFC 8489 section 14.8, RFC 8656 section 19)."""

    TRY_ALTERNATE = 300
    BAD_REQUEST = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    UNKNOWN_ATTRIBUTE = 420
    ALLOCATION_MISMATCH = 437
    STALE_NONCE = 438
    ADDRESS_FAMILY_NOT_SUPPORTED = 440
    WRONG_CREDENTIALS = 441
    UNSUPPORTED_TRANSPORT = 442
    PEER_ADDRESS_FAMILY_MISMATCH = 443
    ALLOCATION_QUOTA_REACHED = 486
    SERVER_ERROR = 500
    INSUFFICIENT_CAPACITY = 508


REASONS = {
    ErrorCode.TRY_ALTERNATE: "Try Alternate",
    ErrorCode.BAD_REQUEST: "Bad Request",
    ErrorCode.UNAUTHENTICATED: "Unauthenticated",
    ErrorCode.FORBIDDEN: "Forbidden",
    ErrorCode.UNKNOWN_ATTRIBUTE: "Unknown Attribute",
    ErrorCode.ALLOCATION_MISMATCH: "Allocation Mismatch",
    ErrorCode.STALE_NONCE: "Stale Nonce",
    ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED: "Address Family not Supported",
    ErrorCode.WRONG_CREDENTIALS: "Wrong Credentials",
    ErrorCode.UNSUPPORTED_TRANSPORT: "Unsupported Transport Protocol",
    ErrorCode.PEER_ADDRESS_FAMILY_MISMATCH: "Peer Address Family Mismatch",
    ErrorCode.ALLOCATION_QUOTA_REACHED: "Allocation Quota Reached",
    ErrorCode.SERVER_ERROR: "Server Error",
    ErrorCode.INSUFFICIENT_CAPACITY: "Insufficient Capacity",
}

MASKED_BYTES_MAX = 20
"""An IPv6 address in its masked form, which is as long as its mask."""

ADDRESSES_CACHED = 4096
"""Addresses remembered in either form, about 200 bytes each; parsing one costs 2 us, and a relay meets few."""

FAMILY_IPV4 = 1
FAMILY_IPV6 = 2
_ADDRESS_BYTES = {FAMILY_IPV4: 4, FAMILY_IPV6: 16}


def encode_address(endpoint: Endpoint) -> bytes:
    """Return the plain form of an address: 0, family, port, ip (MAPPED-ADDRESS, RESPONSE-ORIGIN, OTHER-ADDRESS)."""
    packed = _packed(endpoint.host)
    family = FAMILY_IPV4 if len(packed) == 4 else FAMILY_IPV6
    return bytes((0, family)) + endpoint.port.to_bytes(2, "big") + packed


def decode_address(value: bytes, transport: str = "udp") -> Endpoint:
    """Read the plain form of an address; raises DecodeError."""
    if len(value) < 4 or len(value) - 4 != _ADDRESS_BYTES.get(value[1]):
        raise DecodeError("stun", "no address", 0)
    return Endpoint(transport, _text(value[4:]), int.from_bytes(value[2:4], "big"))


def encode_xor_address(endpoint: Endpoint, transaction_id: bytes) -> bytes:
    """Return the form of an address that boxes do not rewrite: port and ip with the cookie and the id over them."""
    return _mask(encode_address(endpoint), transaction_id)


def decode_xor_address(value: bytes, transaction_id: bytes, transport: str = "udp") -> Endpoint:
    """Read the masked form of an address; raises DecodeError."""
    if len(value) > MASKED_BYTES_MAX:
        raise DecodeError("stun", "no address", 0)
    return decode_address(_mask(value, transaction_id), transport)


def mapped_address(message: StunMessage) -> Endpoint:
    """Return where the sender of a response saw us; raises DecodeError when it does not say."""
    masked = message.find(Attribute.XOR_MAPPED_ADDRESS)
    if masked is not None:
        return decode_xor_address(masked, message.transaction_id)
    plain = message.find(Attribute.MAPPED_ADDRESS)
    if plain is None:
        raise DecodeError("stun", "no mapped address", 0)
    return decode_address(plain)


def encode_error(code: ErrorCode) -> bytes:
    """Return the value of an ERROR-CODE attribute."""
    return bytes((0, 0, code // 100, code % 100)) + REASONS[code].encode()


def encode_address_error(family_number: int, code: ErrorCode) -> bytes:
    """Return the value of an ADDRESS-ERROR-CODE attribute: the error of one family alone (RFC 8656, section 18.12)."""
    return bytes((family_number,)) + encode_error(code)[1:]


def decode_error(value: bytes) -> tuple[int, str]:
    """Read an ERROR-CODE; raises DecodeError."""
    if not 4 <= len(value) <= 4 + REASON_BYTES_MAX or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        raise DecodeError("stun", "no error code", 0)
    return (value[2] & 7) * 100 + value[3], value[4:].decode("utf-8", "replace")


def encode_unknown(types: list[int]) -> bytes:
    """Return the value of UNKNOWN-ATTRIBUTES."""
    return b"".join(kind.to_bytes(2, "big") for kind in types)


def unknown_required(message: StunMessage, known: frozenset[int]) -> list[int]:
    """Return the types of a message that must be understood and are not among `known`, each once."""
    kinds = dict.fromkeys(kind for kind, _ in message.attributes)
    return [kind for kind in kinds if kind < COMPREHENSION_OPTIONAL and kind not in known]


def decode_number(value: bytes, size_bytes: int) -> int:
    """Read an unsigned number of a fixed size; raises DecodeError."""
    if len(value) != size_bytes:
        raise DecodeError("stun", f"no number of {size_bytes} bytes", 0)
    return int.from_bytes(value, "big")


def _mask(value: bytes, transaction_id: bytes) -> bytes:
    key = bytes(2) + MAGIC_COOKIE[:2] + MAGIC_COOKIE + transaction_id
    size = len(value)
    return (int.from_bytes(value, "big") ^ int.from_bytes(key[:size], "big")).to_bytes(size, "big")


@memo(ADDRESSES_CACHED)
def _packed(host: str) -> bytes:
    return ipaddress.ip_address(host).packed


@memo(ADDRESSES_CACHED)
def _text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))
