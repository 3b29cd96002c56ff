"""Reading DHT messages: what may travel, as msgspec checks it, and what becomes of it.

Each form is an array that begins with the kind; messages.py has their meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from msgspec import DecodeError as NotMessagePack
from msgspec import Meta, Struct
from msgspec.msgpack import Decoder

from ..wire.codec import BYTES_MAX, Reader
from ..wire.contact import CONTACTS_CACHED, Contact
from ..wire.errors import DecodeError
from ..wire.identity import ID_BYTES
from ..wire.memo import memo
from ..wire.record import RECORD_BYTES_MAX
from .messages import (
    CONTACTS_MAX,
    MARK_BYTES,
    MARKS_MAX,
    RECORDS_MAX,
    SUMMARY_BYTES,
    U32_MAX,
    Changed,
    Digest,
    FindMany,
    FindNode,
    FindValue,
    Lacking,
    Listen,
    Listening,
    Message,
    Nodes,
    Noted,
    Outcome,
    Ping,
    Pong,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
    ValuesMany,
)
from .tokens import TOKEN_BYTES

_WHAT = "DHT message"
ARRAY_HEADS = range(0x90, 0xA0)
"""First bytes of MessagePack arrays of up to 15 elements; the kind is the byte behind it."""


def decode(data: bytes) -> tuple[int, Message]:
    """Return (request id, message); raise DecodeError for anything that is not a message."""
    if len(data) > BYTES_MAX:
        raise DecodeError(_WHAT, "too long", BYTES_MAX)
    try:
        wire = _DECODER.decode(data)
    except (NotMessagePack, RecursionError) as error:
        raise DecodeError(_WHAT, str(error)) from None
    return wire.request_id, _BUILD[type(wire)](wire)


def is_answer(data: bytes) -> bool:
    """Tell whether bytes that are no message were meant as an answer of a kind known here."""
    return len(data) > 1 and data[0] in ARRAY_HEADS and data[1] in _ANSWER_KINDS


@memo(CONTACTS_CACHED)
def contact_of(data: bytes) -> Contact:
    """Return the contact of its packed form; raise DecodeError."""
    reader = Reader(data, "contact")
    contact = Contact.unpack(reader)
    reader.end()
    return contact


_U32: TypeAlias = Annotated[int, Meta(ge=0, le=U32_MAX)]
_U64: TypeAlias = Annotated[int, Meta(ge=0)]
_Id: TypeAlias = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
_Owner: TypeAlias = Annotated[bytes, Meta(max_length=ID_BYTES)]
_Token: TypeAlias = Annotated[bytes, Meta(min_length=TOKEN_BYTES, max_length=TOKEN_BYTES)]
_TokenOrNone: TypeAlias = Annotated[bytes, Meta(max_length=TOKEN_BYTES)]
_Record: TypeAlias = Annotated[bytes, Meta(min_length=1, max_length=RECORD_BYTES_MAX)]
_Offered: TypeAlias = bytes  # whatever is wrong with it is told, its size too
_Contacts: TypeAlias = Annotated[
    list[Annotated[bytes, Meta(min_length=1, max_length=64)]], Meta(max_length=CONTACTS_MAX)
]


class _Wire(Struct, array_like=True, frozen=True):
    request_id: _U32


class _Ping(_Wire, tag=1, frozen=True):
    pass


class _FindNode(_Wire, tag=2, frozen=True):
    target: _Id
    want: _U32 = 0
    families: _U32 = 0


class _FindValue(_Wire, tag=3, frozen=True):
    key: _Id
    owner: _Owner
    want: Annotated[int, Meta(ge=1, le=U32_MAX)]
    offset: _U32
    families: _U32 = 0


class _Store(_Wire, tag=4, frozen=True):
    token: _TokenOrNone
    age_s: _U32
    record: _Offered
    want: _U32 = 0


class _Listen(_Wire, tag=6, frozen=True):
    token: _Token
    key: _Id
    owner: _Owner


class _Changed(_Wire, tag=7, frozen=True):
    records: Annotated[list[tuple[_U32, _Record]], Meta(min_length=1, max_length=RECORDS_MAX)]


class _Digest(_Wire, tag=9, frozen=True):
    summary: Annotated[bytes, Meta(max_length=SUMMARY_BYTES)]
    marks: Annotated[bytes, Meta(max_length=MARK_BYTES * MARKS_MAX)]


class _Pong(_Wire, tag=17, frozen=True):
    pass


class _Nodes(_Wire, tag=18, frozen=True):
    token: _Token
    contacts: _Contacts


class _Values(_Wire, tag=19, frozen=True):
    token: _Token
    total: _U32
    records: Annotated[list[tuple[_U32, _Record]], Meta(max_length=RECORDS_MAX)]
    contacts: _Contacts
    copies: _U32 = 0


class _Stored(_Wire, tag=20, frozen=True):
    outcome: Outcome
    sequence: _U64
    token: _TokenOrNone = b""
    contacts: _Contacts = []  # msgspec makes a new one each time


class _StoreMany(_Wire, tag=5, frozen=True):
    token: _TokenOrNone
    records: Annotated[list[tuple[_U32, _Offered]], Meta(min_length=1, max_length=RECORDS_MAX)]


class _StoredMany(_Wire, tag=21, frozen=True):
    outcomes: Annotated[list[tuple[Outcome, _U64]], Meta(max_length=RECORDS_MAX)]
    token: _TokenOrNone


class _Listening(_Wire, tag=22, frozen=True):
    outcome: Outcome
    life_s: _U32
    fresh: _U32
    token: _TokenOrNone


class _Noted(_Wire, tag=23, frozen=True):
    wanted: _U32


class _Lacking(_Wire, tag=25, frozen=True):
    bits: Annotated[bytes, Meta(max_length=-(-MARKS_MAX // 8))]
    token: Annotated[bytes, Meta(max_length=TOKEN_BYTES)]


class _FindMany(_Wire, tag=10, frozen=True):
    keys: Annotated[list[_Id], Meta(min_length=1, max_length=RECORDS_MAX)]


class _ValuesMany(_Wire, tag=26, frozen=True):
    token: _Token
    records: Annotated[list[tuple[_U32, _Record]], Meta(max_length=RECORDS_MAX)]


_ANSWERS = (_Pong, _Nodes, _Values, _Stored, _StoredMany, _Listening, _Noted, _Lacking, _ValuesMany)
_ANSWER_KINDS = [each.__struct_config__.tag for each in _ANSWERS]


_DECODER: Decoder[Any] = Decoder(
    _Ping
    | _FindNode
    | _FindValue
    | _Store
    | _StoreMany
    | _Listen
    | _Changed
    | _Digest
    | _FindMany
    | _Pong
    | _Nodes
    | _Values
    | _Stored
    | _StoredMany
    | _Listening
    | _Noted
    | _Lacking
    | _ValuesMany
)


def _listen(wire: _Listen) -> Listen:
    if len(wire.owner) not in (0, ID_BYTES):
        raise DecodeError(_WHAT, "an owner of a wrong length")
    return Listen(wire.token, wire.key, wire.owner)


def _digest(wire: _Digest) -> Digest:
    if len(wire.summary) not in (0, SUMMARY_BYTES) or len(wire.marks) % MARK_BYTES:
        raise DecodeError(_WHAT, "a summary or marks of a wrong length")
    if bool(wire.summary) == bool(wire.marks):
        raise DecodeError(_WHAT, "neither a summary nor marks, or both")
    return Digest(wire.summary, wire.marks)


def _lacking(wire: _Lacking) -> Lacking:
    if len(wire.token) not in (0, TOKEN_BYTES):
        raise DecodeError(_WHAT, "a token of a wrong length")
    return Lacking(wire.bits, wire.token)


def _find_value(wire: _FindValue) -> FindValue:
    if len(wire.owner) not in (0, ID_BYTES):
        raise DecodeError(_WHAT, "an owner of a wrong length")
    return FindValue(wire.key, wire.owner, wire.want, wire.offset, wire.families)


def _contacts(wire: list[bytes]) -> list[Contact]:
    return [contact_of(each) for each in wire]


_PING, _PONG = Ping(), Pong()

_BUILD: dict[type, Callable[[Any], Message]] = {
    _Ping: lambda wire: _PING,
    _FindNode: lambda wire: FindNode(wire.target, wire.want, wire.families),
    _FindValue: _find_value,
    _Store: lambda wire: Store(wire.token, wire.age_s, wire.record, wire.want),
    _StoreMany: lambda wire: StoreMany(wire.token, wire.records),
    _Listen: _listen,
    _Changed: lambda wire: Changed(wire.records),
    _Digest: _digest,
    _Lacking: _lacking,
    _Listening: lambda wire: Listening(wire.outcome, wire.life_s, wire.fresh, wire.token),
    _Noted: lambda wire: Noted(wire.wanted),
    _FindMany: lambda wire: FindMany(wire.keys),
    _ValuesMany: lambda wire: ValuesMany(wire.token, wire.records),
    _Pong: lambda wire: _PONG,
    _Nodes: lambda wire: Nodes(wire.token, _contacts(wire.contacts)),
    _Values: lambda wire: Values(
        wire.token, wire.total, wire.records, _contacts(wire.contacts), int(wire.copies > 0)
    ),
    _Stored: lambda wire: Stored(wire.outcome, wire.sequence, wire.token, _contacts(wire.contacts) or ()),
    _StoredMany: lambda wire: StoredMany(wire.outcomes, wire.token),
}
