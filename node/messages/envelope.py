"""Envelope: what travels as one message of a session.

kind 1 | id 8 | version 2 | type length 1 | headers length 2 | type | headers | body

Integers are big-endian. Kinds: 1 request, 2 reply, 3 error, 4 one-way. A reply or error carries the id of its request.
Headers are empty or a MessagePack map; the body is MessagePack. Sender and receiver are the session's, proved by it.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import msgspec

from ...wire.errors import DecodeError
from ...wire.identity import NodeId

REQUEST = 1
REPLY = 2
ERROR = 3
ONE_WAY = 4

HEAD = struct.Struct(">BQHBH")
HEADERS_BYTES_MAX = 4096
"""Headers are for routing and tracing, not for content."""


class Headers(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """What a message may say about itself beside its body; all of it optional."""

    conversation: str | None = None
    """Names the exchange that this message belongs to."""
    reply_to: str | None = None
    """Node id that replies should go to, when not the sender."""
    timestamp: float | None = None
    """Unix seconds by the sender's clock; for people, no rule depends on it."""
    ttl_s: float | None = None
    """Not worth handling after so long."""
    priority: int = 0
    trace: str | None = None
    """W3C trace context, `traceparent`."""


class Envelope(NamedTuple):
    """One message, taken apart; the body is not looked at yet."""

    kind: int
    id: int
    version: int
    type_name: bytes
    headers: bytes
    body: bytes


class Header(NamedTuple):
    """What a handler may want to know of the message it handles."""

    id: int
    type_name: str
    version: int
    sender: NodeId
    to: NodeId
    headers: Headers
    one_way: bool


class ErrorBody(msgspec.Struct, array_like=True, frozen=True):
    """Body of an error."""

    code: str
    text: str
    field: str | None = None


NO_HEADERS = Headers()

_headers_encoder = msgspec.msgpack.Encoder()
_headers_decoder = msgspec.msgpack.Decoder(Headers)
_error_decoder = msgspec.msgpack.Decoder(ErrorBody)


def encode(
    kind: int, message_id: int, version: int, type_name: bytes, body: bytes, headers: bytes = b""
) -> bytes:
    """Put an envelope together."""
    return HEAD.pack(kind, message_id, version, len(type_name), len(headers)) + type_name + headers + body


def decode(data: bytes) -> Envelope:
    """Take an envelope apart; raises DecodeError."""
    if len(data) < HEAD.size:
        raise DecodeError("envelope", "too short", len(data))
    kind, message_id, version, type_length, headers_length = HEAD.unpack_from(data)
    type_end = HEAD.size + type_length
    body_start = type_end + headers_length
    if not REQUEST <= kind <= ONE_WAY:
        raise DecodeError("envelope", f"unknown kind {kind}", 0)
    if body_start > len(data) or headers_length > HEADERS_BYTES_MAX:
        raise DecodeError("envelope", "lengths do not fit", 11)
    type_name, headers = data[HEAD.size : type_end], data[type_end:body_start]
    return Envelope(kind, message_id, version, type_name, headers, data[body_start:])


def encode_headers(headers: Headers | None) -> bytes:
    """Return the byte form of headers; empty when they say nothing."""
    if headers is None or headers == NO_HEADERS:
        return b""
    return _headers_encoder.encode(headers)


def decode_headers(data: bytes) -> Headers:
    """Read headers; raises DecodeError."""
    if not data:
        return NO_HEADERS
    try:
        return _headers_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DecodeError("envelope", "headers do not parse", HEAD.size) from None


def encode_error(message_id: int, code: str, text: str, field: str | None) -> bytes:
    """Return the whole envelope of an error."""
    body = _headers_encoder.encode(ErrorBody(code, text, field))
    return encode(ERROR, message_id, 0, b"", body)


def decode_error(body: bytes) -> ErrorBody:
    """Read the body of an error; raises DecodeError."""
    try:
        return _error_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DecodeError("envelope", "error does not parse", 0) from None


def decode_any(body: bytes) -> Any:
    """Read a body without knowing its class; raises DecodeError."""
    try:
        return msgspec.msgpack.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DecodeError("envelope", "body is no MessagePack", 0) from None
