"""Envelope: what travels as one message of a session, a MessagePack array.

    [kind, id, type, version, body]              most messages
    [kind, id, type, version, body, headers]     those that say something about themselves

kind      1 request, 2 reply, 3 error, 4 one-way
id        u64, chosen by the sender; a reply or an error repeats its request's
type      bin, UTF-8, 1 to 128 bytes; replies without a message say `none`, errors `error`
version   u16; 0 from a sender that does not know the class
body      any one value, see form.py; of an error [code, text, field or nil, hint or nil]; nil for `none`
headers   map, see Headers

Who sent it and to whom is not repeated: the session has proved both. Longer arrays and unknown headers are accepted,
and what is not known here is ignored. The body is cut out without being copied, for whoever knows its type.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ...wire.errors import DecodeError, RemoteRejected
from ...wire.identity import NodeId
from .errors import MISFITS, InvalidMessage, field_and_problem
from .form import (
    ANY_VERSION,
    TYPE_NAME_BYTES_MAX,
    VERSION_MAX,
    Body,
    check_type_name,
    json_text,
    pack,
    pack_json,
)
from .message import Message, form_of

REQUEST = 1
REPLY = 2
ERROR = 3
ONE_WAY = 4

WITHOUT_HEADERS = tuple(bytes((0x95, kind)) for kind in range(ONE_WAY + 1))
WITH_HEADERS = tuple(bytes((0x96, kind)) for kind in range(ONE_WAY + 1))
"""The first two bytes by kind: an array of five or six, and the kind."""

NONE_LABEL = pack(b"none") + pack(1)
ERROR_LABEL = pack(b"error") + pack(1)
NIL = pack(None)

ERROR_CHARS_MAX = 1000
"""Longest text or hint of an error that is sent; the rest would tell people no more."""

ShortText = Annotated[str, msgspec.Meta(max_length=128)]
LongText = Annotated[str, msgspec.Meta(max_length=4 * ERROR_CHARS_MAX)]


class Headers(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a message may say about itself beside its body; all of it optional."""

    conversation: ShortText | None = None
    """Names the exchange that this message belongs to."""
    reply_to: ShortText | None = None
    """Node id that replies should go to, if not the sender's."""
    timestamp: float | None = None
    """Unix seconds by the sender's clock. For people: nothing here depends on it."""
    ttl_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """Life of the message from when it was sent."""
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    """0 is ordinary, 9 the most urgent."""
    trace: ShortText | None = None
    """W3C trace context (`traceparent`)."""


class Header(Headers, kw_only=True, frozen=True):
    """Everything known of a message but its body, for handlers that ask for it."""

    id: int
    type_name: str
    version: int
    sender: NodeId
    """Who sent it, proved by the session."""
    to: NodeId
    one_way: bool
    """No reply is awaited."""

    @classmethod
    def of(cls, envelope: Envelope, sender: NodeId, to: NodeId) -> Header:
        """Return the header of an envelope that came over the sender's session."""
        return cls(
            id=envelope.id,
            type_name=envelope.type_name.decode(errors="replace"),
            version=envelope.version,
            sender=sender,
            to=to,
            one_way=envelope.kind == ONE_WAY,
            **msgspec.structs.asdict(envelope.headers or NO_HEADERS),
        )


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message as it came: the body is found, and not looked into."""

    kind: Annotated[int, msgspec.Meta(ge=REQUEST, le=ONE_WAY)]
    id: Annotated[int, msgspec.Meta(ge=0)]
    type_name: Annotated[bytes, msgspec.Meta(min_length=1, max_length=TYPE_NAME_BYTES_MAX)]
    version: Annotated[int, msgspec.Meta(ge=0, le=VERSION_MAX)]
    body: msgspec.Raw
    headers: Headers | None = None


class ErrorBody(msgspec.Struct, array_like=True, frozen=True):
    """Why there is no reply."""

    code: ShortText
    text: LongText
    field: LongText | None = None
    hint: LongText | None = None


NO_HEADERS = Headers()

_parse = msgspec.msgpack.Decoder(Envelope).decode
_parse_headers = msgspec.msgpack.Decoder(Headers).decode
_parse_error = msgspec.msgpack.Decoder(ErrorBody).decode


def decode(data: bytes) -> Envelope:
    """Take an envelope apart; raises DecodeError."""
    try:
        return _parse(data)
    except MISFITS:
        raise DecodeError("envelope", "malformed") from None


def encode(
    kind: int, message_id: int, version: int, type_name: bytes, body: bytes, headers: Headers | None = None
) -> bytes:
    """Put an envelope together from its parts; the body is one MessagePack value."""
    return _joined(kind, message_id, pack(type_name) + pack(version), body, headers)


def encode_message(kind: int, message_id: int, message: Message, headers: Headers | None = None) -> bytes:
    """Return the envelope of a typed message, validated; raises InvalidMessage."""
    form = form_of(message)
    return _joined(kind, message_id, form.label, form.encode(message), headers)


def encode_message_as_json(kind: int, message_id: int, message: Message) -> bytes:
    """Return the same for a receiver that does not know the class: its body holds JSON text."""
    form = form_of(message)
    return _joined(kind, message_id, form.label, pack(form.encode_json(message)))


def encode_untyped(
    kind: int, message_id: int, type_name: str, value: object, headers: Headers | None = None
) -> bytes:
    """Return the envelope of a value that JSON can hold, for whatever class the receiver has under the type name.

    Raises ConfigError for a type name that cannot be, InvalidMessage for a value that JSON cannot hold.
    """
    check_type_name(type_name)
    try:
        text = pack_json(value)
    except MISFITS as error:
        raise InvalidMessage(type_name, *field_and_problem(error)) from None
    return encode(kind, message_id, ANY_VERSION, type_name.encode(), pack(text), headers)


def encode_none(message_id: int) -> bytes:
    """Return the reply of a handler that returned nothing."""
    return _joined(REPLY, message_id, NONE_LABEL, NIL)


def encode_echo(request: Envelope) -> bytes:
    """Return the reply that holds the request's body, untouched."""
    return encode(REPLY, request.id, max(1, request.version), request.type_name, bytes(request.body))


def decode_any(body: Body) -> Any:
    """Read a body of a type that is not known here, as values that JSON can hold; raises DecodeError."""
    try:
        text = json_text(body)
        if text is not None:
            return msgspec.json.decode(text)
        return msgspec.to_builtins(msgspec.msgpack.decode(body), str_keys=True)
    except MISFITS:
        raise DecodeError("message body", "malformed") from None


def encode_error(
    message_id: int, code: str, text: str, field: str | None = None, hint: str | None = None
) -> bytes:
    """Return the answer that says why there is no reply."""
    body = pack((code, _sendable(text), _sendable(field), _sendable(hint)))
    return _joined(ERROR, message_id, ERROR_LABEL, body)


def decode_error(body: msgspec.Raw) -> RemoteRejected:
    """Read why a peer refused; raises DecodeError. Nothing in it can move a cursor or colour a terminal."""
    try:
        error = _parse_error(body)
    except MISFITS:
        raise DecodeError("error", "malformed") from None
    field = _printable(error.field) if error.field else None
    rejected = RemoteRejected(_printable(error.code), _printable(error.text), field)
    rejected.hint = _printable(error.hint) if error.hint else None
    return rejected


def _joined(kind: int, message_id: int, label: bytes, body: bytes, headers: Headers | None = None) -> bytes:
    if headers is None:
        return WITHOUT_HEADERS[kind] + pack(message_id) + label + body
    packed = pack(headers)
    try:
        _parse_headers(packed)
    except MISFITS as error:
        raise InvalidMessage("Headers", *field_and_problem(error)) from None
    return WITH_HEADERS[kind] + pack(message_id) + label + body + packed


def _sendable(text: str | None) -> str | None:
    return text[:ERROR_CHARS_MAX].encode(errors="replace").decode() if text else text


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
