"""What a client asks for with ALLOCATE, read and checked (RFC 8656, section 7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from ...wire.endpoint import IPV4, IPV6
from ...wire.errors import DecodeError
from ..stun.attributes import FAMILY_IPV4, FAMILY_IPV6, Attribute, ErrorCode, decode_number
from ..stun.message import StunMessage
from .authentication import Refusal

PROTOCOL_UDP = 17
RESERVE_NEXT = 0x80
TOKEN_BYTES = 8

FAMILIES = {FAMILY_IPV4: IPV4, FAMILY_IPV6: IPV6}
"""The numbers of address families in STUN, and those of endpoints."""

NUMBERS = {family: number for number, family in FAMILIES.items()}


@dataclass(frozen=True, slots=True)
class AllocateRequest:
    """Say which relayed transports are wanted."""

    family: int
    also_ipv6: bool
    even: bool
    reserve_next: bool
    token: bytes | None
    """Names a port that was reserved; it is the whole wish then."""

    @classmethod
    def of(cls, request: StunMessage) -> AllocateRequest:
        """Read a request; raises Refusal and DecodeError."""
        _check_transport(request)
        family, additional = requested_family(request), request.find(Attribute.ADDITIONAL_ADDRESS_FAMILY)
        even, token = request.find(Attribute.EVEN_PORT), request.find(Attribute.RESERVATION_TOKEN)
        wish = cls(
            family=family or IPV4,
            also_ipv6=additional is not None,
            even=even is not None,
            reserve_next=even is not None and bool(decode_number(even, 1) & RESERVE_NEXT),
            token=token,
        )
        contradictory = (
            (family is not None and wish.also_ipv6)
            or (wish.reserve_next and wish.also_ipv6)
            or (token is not None and (wish.even or wish.also_ipv6 or family is not None))
        )
        malformed = (token is not None and len(token) != TOKEN_BYTES) or (
            additional is not None and additional[:1] != bytes((FAMILY_IPV6,))
        )
        if contradictory or malformed:
            raise Refusal(ErrorCode.BAD_REQUEST)
        return wish


def requested_family(request: StunMessage) -> int | None:
    """Return the address family that a request names, None when it names none; raises Refusal and DecodeError."""
    value = request.find(Attribute.REQUESTED_ADDRESS_FAMILY)
    if value is None:
        return None
    family = FAMILIES.get(decode_number(value, 4) >> 24)
    if family is None:
        raise Refusal(ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED)
    return family


def requested_life_s(request: StunMessage) -> int | None:
    """Return the life that a request asks for, None when it does not say; raises DecodeError."""
    value = request.find(Attribute.LIFETIME)
    return None if value is None else decode_number(value, 4)


def _check_transport(request: StunMessage) -> None:
    value = request.find(Attribute.REQUESTED_TRANSPORT)
    if value is None or len(value) != 4:
        raise DecodeError("turn", "no requested transport")
    if value[0] != PROTOCOL_UDP:
        raise Refusal(ErrorCode.UNSUPPORTED_TRANSPORT)
