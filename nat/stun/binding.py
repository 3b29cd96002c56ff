"""Answer "where do you see me?" (RFC 8489), and, where there are two addresses to answer from, RFC 5780's tests.

A node answers on its one socket and refuses CHANGE-REQUEST as an attribute that it does not know. A server with a
second address and port, each a socket, can be asked to answer from another one, which tells how a NAT filters.
"""

from __future__ import annotations

from typing import NamedTuple

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from .attributes import (
    Attribute,
    ErrorCode,
    decode_number,
    encode_address,
    encode_error,
    encode_unknown,
    encode_xor_address,
    unknown_required,
)
from .message import MessageClass, Method, StunMessage, encode

CHANGE_PORT = 0x02
CHANGE_IP = 0x04

_KNOWN = frozenset((Attribute.USERNAME, Attribute.MESSAGE_INTEGRITY, Attribute.MESSAGE_INTEGRITY_SHA256))
_KNOWN_5780 = _KNOWN | {Attribute.CHANGE_REQUEST, Attribute.RESPONSE_PORT, Attribute.PADDING}


class Answer(NamedTuple):
    """A response, where it goes, and from which of the server's own endpoints (None: where the request came in)."""

    packet: bytes
    destination: Endpoint
    origin: Endpoint | None = None


class BindingServer:
    """Answer Binding requests without credentials; `others` are the four endpoints of an RFC 5780 server or none.

    They come as (ip 1 port 1, ip 1 port 2, ip 2 port 1, ip 2 port 2).
    """

    __slots__ = ("_others",)

    def __init__(self, others: tuple[Endpoint, Endpoint, Endpoint, Endpoint] | None = None) -> None:
        self._others = others

    def answer(self, request: StunMessage, source: Endpoint, local: Endpoint | None = None) -> Answer | None:
        """Answer a request that came from `source` to `local`; None when it is none, or not to be answered."""
        if request.method != Method.BINDING or request.message_class is not MessageClass.REQUEST:
            return None
        known = _KNOWN_5780 if self._others is not None else _KNOWN
        unknown = unknown_required(request, known)
        if unknown:
            return Answer(refusal(request, ErrorCode.UNKNOWN_ATTRIBUTE, unknown), source)
        attributes = [(int(Attribute.XOR_MAPPED_ADDRESS), encode_xor_address(source, request.transaction_id))]
        try:
            origin, destination = self._ways(request, source, local)
        except DecodeError:
            return Answer(refusal(request, ErrorCode.BAD_REQUEST), source)
        if self._others is not None and local is not None:
            attributes += [
                (Attribute.RESPONSE_ORIGIN, encode_address(origin or local)),
                (Attribute.OTHER_ADDRESS, encode_address(self._changed(local, CHANGE_IP | CHANGE_PORT))),
            ]
        return Answer(success(request, attributes), destination, origin)

    def _ways(
        self, request: StunMessage, source: Endpoint, local: Endpoint | None
    ) -> tuple[Endpoint | None, Endpoint]:
        """Return from where and to where to answer; raises DecodeError."""
        change = request.find(Attribute.CHANGE_REQUEST)
        flags = decode_number(change, 4) if change is not None else 0
        origin = self._changed(local, flags) if local is not None and flags else None
        port = request.find(Attribute.RESPONSE_PORT)
        if port is not None:
            source = source._replace(port=decode_number(port[:2], 2))
        return origin, source

    def _changed(self, local: Endpoint, flags: int) -> Endpoint:
        """Return the endpoint with the other ip, the other port, or both."""
        others = self._others
        assert others is not None  # only a server with others knows CHANGE-REQUEST
        index = others.index(local) if local in others else 0
        return others[index ^ (1 if flags & CHANGE_PORT else 0) ^ (2 if flags & CHANGE_IP else 0)]


def success(request: StunMessage, attributes: list[tuple[int, bytes]], *, key: bytes | None = None) -> bytes:
    """Return the bytes of a success response; proved by a key in the ways that the request was."""
    return _response(request, MessageClass.SUCCESS, attributes, key)


def refusal(
    request: StunMessage,
    code: ErrorCode,
    unknown: list[int] | None = None,
    *,
    more: list[tuple[int, bytes]] | None = None,
    key: bytes | None = None,
) -> bytes:
    """Return the bytes of an error response; `unknown` goes along with UNKNOWN_ATTRIBUTE."""
    attributes = [(int(Attribute.ERROR_CODE), encode_error(code)), *(more or [])]
    if unknown:
        attributes.append((Attribute.UNKNOWN_ATTRIBUTES, encode_unknown(unknown)))
    return _response(request, MessageClass.ERROR, attributes, key)


def _response(
    request: StunMessage,
    message_class: MessageClass,
    attributes: list[tuple[int, bytes]],
    key: bytes | None,
) -> bytes:
    response = StunMessage(request.method, message_class, request.transaction_id, tuple(attributes))
    return encode(
        response,
        sha1_key=key if request.find(Attribute.MESSAGE_INTEGRITY) is not None else None,
        sha256_key=key if request.find(Attribute.MESSAGE_INTEGRITY_SHA256) is not None else None,
        fingerprint=request.find(Attribute.FINGERPRINT) is not None,
    )
